import { EventEmitter } from 'node:events';
import type { Letters } from '../../lib/core/letters.js';
import type { Records } from '../../lib/core/records.js';

/** Letters between the workers of an engine in this process. */
export class PostOffice {
  private opened = 0;
  private readonly boxes = new Map<string, EventEmitter>();

  /** One worker's. */
  open(records: Records): { readonly letters: Letters; close(): void } {
    const address = `box-${++this.opened}`;
    const box = new EventEmitter().setMaxListeners(0);
    this.boxes.set(address, box);
    const letters: Letters = {
      address: () => address,
      send: async (to, key, text, ttlMs) => {
        const isHeard = this.boxes.get(to)?.emit(`to ${key}`, text);
        if (isHeard === false) await records.set(key, text, ttlMs);
      },
      hear: (key, listener) => {
        const told = (text: string): void => listener(text);
        box.on(`to ${key}`, told);
        return () => void box.off(`to ${key}`, told);
      },
    };
    return { letters, close: () => void this.boxes.delete(address) };
  }
}
