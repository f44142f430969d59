import { isDefinition } from './definition.js';
import type { PublishRequest } from './job-types.js';
import { PublishError } from './publish-error.js';
import type { Draft } from './publish-options.js';
import { show } from './show.js';

const REQUEST = new Set(['name', 'job', 'payload', 'options']);

/** How one of several requests is called in errors. */
export function which(index: number): string {
  return `job ${index}: `;
}

/** @throws PublishError */
export function checkedRequests(requests: unknown): readonly PublishRequest[] {
  if (!Array.isArray(requests)) {
    throw new PublishError(`not published: expected an array of { name, payload, options }, got ${show(requests)}`);
  }
  for (const [index, one] of (requests as unknown[]).entries()) {
    const known = typeof one === 'object' && one !== null && Object.keys(one).every((key) => REQUEST.has(key));
    if (known && isNamedOnce(one as Record<string, unknown>)) continue;
    throw new PublishError(
      `${which(index)}not published: expected { name, payload, options }, or a definition as job in the place of name, ` +
        `got ${show(one)}`,
    );
  }
  return requests as readonly PublishRequest[];
}

function isNamedOnce({ job, name }: Record<string, unknown>): boolean {
  return job === undefined || (isDefinition(job) && name === undefined);
}

/** The drafts in their order, those that follow each other to one queue together; unique ones alone. */
export function runsOfOneQueue(drafts: readonly Draft[]): { readonly queue: string; readonly drafts: Draft[] }[] {
  const runs: { readonly queue: string; readonly drafts: Draft[] }[] = [];
  for (const draft of drafts) {
    const last = runs.at(-1);
    if (last?.queue === draft.queue && !last.drafts[0]?.unique && !draft.unique) last.drafts.push(draft);
    else runs.push({ queue: draft.queue, drafts: [draft] });
  }
  return runs;
}
