import { BackendError, type StoredReceipt } from '../../core/backend.js';

/** One call of `publish`, answered once. */
export class PublishRequest {
  readonly receipts: StoredReceipt[] = [];
  /** Why no more of it is stored. */
  failure: BackendError | undefined;
  /** How many of the receipts are for what is stored as safely as promised. */
  private safe = 0;
  private answered = false;

  constructor(
    private readonly total: number,
    private readonly resolve: (receipts: readonly StoredReceipt[]) => void,
    private readonly refuse: (error: BackendError) => void,
  ) {}

  /**
   * Answers once all of it is stored, or no more of it can be, or what is stored of it may be lost.
   *
   * @param syncFailure why it is not known whether what was stored since the last time is safe
   */
  conclude(syncFailure: BackendError | undefined): void {
    if (syncFailure && this.receipts.length > this.safe) return this.reject(syncFailure, true);
    this.safe = this.receipts.length;
    if (this.failure) return this.reject(this.failure, false);
    if (this.answered || this.safe < this.total) return;
    this.answered = true;
    this.resolve(this.receipts);
  }

  reject(error: BackendError, maybeStored: boolean): void {
    this.failure ??= error;
    if (this.answered) return;
    this.answered = true;
    const { message, passing, cause } = error;
    this.refuse(new BackendError(message, { passing, stored: this.safe, maybeStored, cause }));
  }
}
