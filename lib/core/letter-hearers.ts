/** Who hears which letters in a process; for backends that have them. */
export class LetterHearers {
  private readonly byKey = new Map<string, Set<(text: string) => void>>();

  get keys(): Iterable<string> {
    return this.byKey.keys();
  }

  hear(key: string, listener: (text: string) => void): () => void {
    // One of its own, for the same function may hear twice.
    const told = (text: string): void => listener(text);
    const all = this.byKey.get(key) ?? new Set();
    this.byKey.set(key, all.add(told));
    return () => {
      all.delete(told);
      if (all.size === 0 && this.byKey.get(key) === all) this.byKey.delete(key);
    };
  }

  isHeard(key: string): boolean {
    return this.byKey.has(key);
  }

  tell(key: string, text: string): void {
    for (const told of [...(this.byKey.get(key) ?? [])]) told(text);
  }

  clear(): void {
    this.byKey.clear();
  }
}
