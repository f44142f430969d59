/** What a process of the run is told when it is started, as the JSON text of its first argument. */
export interface Task {
  readonly directory: string;
  readonly ledgers: string;
  /** Of this incarnation. */
  readonly name: string;
  readonly slot: number;
  readonly durable: boolean;
  readonly seed: number;
  readonly jobs: number;
  readonly publishers: number;
  readonly rate: number;
}

/** What a process tells: that it has begun, or, of a publisher, that so many more jobs were acknowledged. */
export type Report = 'ready' | { readonly acknowledged: number };

export function readTask(): Task {
  return JSON.parse(process.argv[2] ?? '') as Task;
}

export function tell(report: Report): void {
  process.send?.(report);
}
