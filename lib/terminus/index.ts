export { JobsHealthModule } from './jobs-health.module.js';
export { JobsHealthIndicator, type JobsHealth } from './jobs-health.indicator.js';
export type { ConsumingHealthOptions, EngineHealthOptions, QueueHealthOptions } from './health-options.js';
