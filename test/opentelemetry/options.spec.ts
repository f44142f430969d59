import { memory } from 'nestjs-jobs/memory';
import { openTelemetry, type OpenTelemetryOptions } from 'nestjs-jobs/opentelemetry';
import { expect, test } from 'vitest';
import { jobsSettings } from '../../lib/nest/jobs.settings.js';
import { loadApi } from '../../lib/opentelemetry/packages.js';

test.each([
  [{ relation: 'child' }, `openTelemetry: relation: expected 'parent' or 'link', got "child"`],
  [{ exceptions: 'no' }, 'openTelemetry: exceptions: expected true or false, got "no"'],
  [{ tracerProvider: {} }, 'openTelemetry: tracerProvider: expected an object with getTracer, got {}'],
  [{ meterProvider: null }, 'openTelemetry: meterProvider: expected an object with getMeter, got null'],
  [{ sampler: 1 }, 'openTelemetry: options: expected of tracerProvider, meterProvider, relation'],
])('%o is refused', (options, message) => {
  expect(() => openTelemetry(options as OpenTelemetryOptions)).toThrow(message);
});

test('says which package is missing, and what installs it', () => {
  const missing = Object.assign(new Error('nope'), { code: 'MODULE_NOT_FOUND' });
  const load = (): never => {
    throw missing;
  };
  expect(() => loadApi(load)).toThrow(
    'openTelemetry: the package "@opentelemetry/api" is missing, which it needs; install it: npm install @opentelemetry/api',
  );
});

test('the module takes what the factory gives, and nothing else', () => {
  const telemetry = openTelemetry();
  expect(jobsSettings({ backend: memory(), telemetry }).telemetry).toBe(telemetry);
  expect(() => jobsSettings({ backend: memory(), telemetry: openTelemetry })).toThrow(
    'JobsModule: telemetry: expected what a factory such as openTelemetry() gives',
  );
});
