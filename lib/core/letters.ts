/**
 * Texts that are sent to one process by its address, for a limited time: an optional part of records. By them a caller is
 * given his answer without anybody having to look who watches. Where an engine has none, or this process can't be reached
 * just now, its answer is a record that it watches.
 */
export interface Letters {
  /**
   * Where this process hears: 1 to 40 of `A-Z a-z 0-9 _ -`, for others to send to. Undefined while it can't be reached;
   * asking then has it made reachable, soon.
   */
  address(): string | undefined;

  /**
   * Sends `text` under a key, as safe as a record: it is heard within 100 ms or, where that process can't be reached, once
   * it can, if that is within `ttlMs` milliseconds. It may be heard more than once. Where nobody there hears the key, it
   * becomes a record of the key; an engine may keep each as one. Where nobody has the address, it is gone after that time.
   *
   * @param receipt of a delivery that is settled as soon as this has resolved: an engine may send both on one way
   * @throws BackendError where the engine fails; whether it was sent is then unknown
   */
  send(address: string, key: string, text: string, ttlMs: number, receipt?: string): Promise<void>;

  /**
   * Calls `listener` with each text that is sent to this process under the key from now on.
   *
   * @returns what ends that
   */
  hear(key: string, listener: (text: string) => void): () => void;
}
