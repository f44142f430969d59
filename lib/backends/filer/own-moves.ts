/**
 * The moves that this process has made itself, by file name: their notices tell nothing new, while one more of the same
 * name is another's doing. Those whose notice never comes are remembered for one to two rounds.
 */
export class OwnMoves {
  private young = new Map<string, number>();
  private old = new Map<string, number>();

  add(file: string): void {
    this.young.set(file, (this.young.get(file) ?? 0) + 1);
  }

  /** Whether a notice of this file is that of a move of our own; each counts for one. */
  take(file: string): boolean {
    return takeFrom(this.old, file) || takeFrom(this.young, file);
  }

  /** Begins a new round. */
  turn(): void {
    if (this.young.size === 0 && this.old.size === 0) return;
    this.old = this.young;
    this.young = new Map();
  }
}

function takeFrom(moves: Map<string, number>, file: string): boolean {
  const count = moves.get(file);
  if (count === undefined) return false;
  if (count > 1) moves.set(file, count - 1);
  else moves.delete(file);
  return true;
}
