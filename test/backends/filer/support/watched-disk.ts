import type { Disk } from '../../../../lib/backends/filer/disk.js';
import { RealDisk } from '../../../../lib/backends/filer/real-disk.js';

export type Operation = keyof Disk;

/** One operation on files, before it is done. Paths are byte strings, the one that it makes as the last. */
export interface Act {
  readonly operation: Operation;
  readonly paths: readonly string[];
}

/** What reads a file. */
export const READING: ReadonlySet<string | symbol> = new Set<Operation>(['open', 'readSmall', 'readText']);

/** The disk, where `before` hears of each operation, and makes it fail by throwing. */
export function watchedDisk(before: (act: Act) => void, disk: Disk = new RealDisk()): Disk {
  return new Proxy(disk, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== 'function') return method;
      return (...args: readonly unknown[]): unknown => {
        const texts = args.filter((arg): arg is string => typeof arg === 'string');
        const paths = key === 'write' ? texts.slice(0, 1) : texts;
        try {
          before({ operation: key as Operation, paths });
        } catch (error) {
          // What can't be read so is looked at by open.
          if (READING.has(key) && key !== 'open') return undefined;
          if (key === 'syncFile' || key === 'syncDirectory') return Promise.reject(error);
          throw error;
        }
        return Reflect.apply(method, target, args) as unknown;
      };
    },
  });
}

/** An error as the system gives it. */
export function systemError(code: string, message = 'injected'): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}

/** The disk, where something happens once: before the first operation of that kind on a path with such a part. */
export function diskTamperedOnce(kind: Operation, part: string, tamper: (path: string) => void): Disk {
  let isDone = false;
  return watchedDisk(({ operation, paths: [path = ''] }) => {
    if (isDone || operation !== kind || !path.includes(part)) return;
    isDone = true;
    tamper(path);
  });
}
