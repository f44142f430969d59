import type { JobState, StoredState } from '../../core/inspector.js';
import { messageOf, type Draft } from './draft.js';
import type { Stage } from './stage.js';
import { FAR_MS } from './standing.js';

export const STORED = ['waiting', 'delayed', 'completed', 'failed', 'expired'] as const satisfies readonly JobState[];
export type Stored = (typeof STORED)[number];

/** A job as it stood elsewhere. */
export function stood(stage: Stage, state: Stored, draft: Draft = {}, more: Partial<StoredState> = {}): StoredState {
  const now = stage.clock.now();
  const ended = state === 'completed' || state === 'failed' || state === 'expired';
  return {
    state,
    content: messageOf(draft, now - 60_000),
    attempts: 0,
    storedAt: now - 60_000,
    failures: [],
    ...(state === 'delayed' ? { readyAt: now + FAR_MS } : {}),
    ...(ended ? { endedAt: now - 1_000 } : {}),
    ...(state === 'failed' || state === 'expired' ? { reason: 'so it was' } : {}),
    ...more,
  };
}
