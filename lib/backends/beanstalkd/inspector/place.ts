/** How a job is found again. */
export interface Place {
  /** The server's id. */
  readonly id: string;
  readonly digest: string;
  /** The server's id of the note about it. */
  readonly note?: string | undefined;
}

const PLACE = /^([0-9]{1,20}) ([\w-]{22})(?: ([0-9]{1,20}))?$/;

export function textOfPlace({ id, digest, note }: Place): string {
  return note === undefined ? `${id} ${digest}` : `${id} ${digest} ${note}`;
}

/** Undefined where it is none of ours. */
export function placeIn(text: string): Place | undefined {
  const [, id, digest, note] = PLACE.exec(text) ?? [];
  return id === undefined || digest === undefined ? undefined : { id, digest, note };
}
