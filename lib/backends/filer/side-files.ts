import type { FailureRecord } from '../../core/failure-record.js';
import { unlinkIfThere, type Disk } from './disk.js';
import { isGone, type Folders } from './folders.js';

/** What we keep of a living job beside its name. */
export interface SideFile {
  readonly failures: readonly FailureRecord[];
  /** Its whole foreign name, as a byte string, where that was too long to keep. */
  readonly file?: string;
}

/** Side files of living jobs, `delayed/.<order>.meta`: written before the job comes back, removed after it is gone. */
export class SideFiles {
  constructor(
    private readonly folders: Folders,
    private readonly disk: Disk,
    private readonly newDraft: () => string,
  ) {}

  read(order: string): SideFile | undefined {
    try {
      const file = this.disk.open(this.path(order));
      return file && (JSON.parse(file.read().toString()) as SideFile);
    } catch (error) {
      // One that a power cut has torn is as good as none: it only tells of failures that are past.
      if (isGone(error) || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  write(order: string, content: SideFile): void {
    const draft = this.newDraft();
    this.disk.write(draft, JSON.stringify(content));
    this.place(order, draft);
  }

  /** The same, of what is written in a draft. */
  place(order: string, draft: string): void {
    this.disk.rename(draft, this.path(order));
  }

  remove(order: string): void {
    unlinkIfThere(this.disk, this.path(order));
  }

  private path(order: string): string {
    return this.folders.file('delayed', `.${order}.meta`);
  }
}
