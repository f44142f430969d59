import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type YAMLMap } from 'yaml';
import { messageOf } from '../../core/errors.js';
import { show } from '../../core/show.js';
import { UsageError } from '../exit-codes.js';

/** A value of a configuration file, and where it stands. */
export class ConfigNode {
  constructor(
    private readonly source: ConfigSource,
    private readonly node: Node | null,
    /** Where it is by names: `handlers.make_print`; empty for the whole. */
    readonly path: string,
    /** Of its key, or its beginning. */
    private readonly offset: number,
  ) {}

  get value(): unknown {
    return this.node === null ? null : (this.node.toJS(this.source.document) as unknown);
  }

  get isMap(): boolean {
    return isMap(this.node);
  }

  /** @throws UsageError that tells file, line, column and path */
  fail(problem: string): never {
    throw this.error(`${this.path ? `${this.path}: ` : ''}${problem}`);
  }

  /** What a check of the core gives; its error, which names the place already, is led by file and line. */
  check<T>(check: () => T): T {
    try {
      return check();
    } catch (cause) {
      throw this.error(messageOf(cause), cause);
    }
  }

  /** The same for what is checked by this value's name. */
  valid<T>(check: (value: unknown) => T): T {
    return this.check(() => {
      try {
        return check(this.value);
      } catch (cause) {
        throw new TypeError(`${this.path}: ${messageOf(cause)}`, { cause });
      }
    });
  }

  /** The values of a map, by their keys. @throws UsageError where it is none, or a key is none of `known` */
  entries(known?: readonly string[]): Map<string, ConfigNode> {
    if (!isMap(this.node)) this.fail(`expected keys and values, got ${show(this.value)}`);
    return new Map(
      (this.node as YAMLMap<Node, Node | null>).items.map(({ key, value }) => {
        const name = isScalar(key) ? String(key.value) : '';
        const offset = key.range?.[0] ?? this.offset;
        const entry = new ConfigNode(this.source, value, this.path ? `${this.path}.${name}` : name, offset);
        if (!isScalar(key)) entry.fail('expected a name as key');
        if (known && !known.includes(name)) {
          throw entry.error(
            `${this.path ? `${this.path}: ` : ''}expected of ${known.join(', ')}, got the unknown key ${show(name)}`,
          );
        }
        return [name, entry] as const;
      }),
    );
  }

  /** The values of a list. @throws UsageError where it is none, or an empty one */
  items(what: string): ConfigNode[] {
    if (!isSeq(this.node) || this.node.items.length === 0) this.fail(`expected ${what}, got ${show(this.value)}`);
    return (this.node as { items: (Node | null)[] }).items.map(
      (item, index) => new ConfigNode(this.source, item, `${this.path}[${index}]`, item?.range?.[0] ?? this.offset),
    );
  }

  /** A text. @throws UsageError */
  text(what: string): string {
    const { value } = this;
    return typeof value === 'string' && value !== '' ? value : this.fail(`expected ${what}, got ${show(value)}`);
  }

  /** Texts by their names; numbers and booleans are taken as they are. @throws UsageError */
  texts(): Readonly<Record<string, string>> {
    const texts = [...this.entries()].map(([name, node]): [string, string] => {
      const { value } = node;
      const isText = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
      return [name, isText ? String(value) : node.fail(`expected a text, got ${show(value)}`)];
    });
    return Object.fromEntries(texts);
  }

  private error(message: string, cause?: unknown): UsageError {
    const { line, col } = this.source.lines.linePos(this.offset);
    return new UsageError(`${this.source.file}:${line}:${col}: ${message}`, { cause });
  }
}

interface ConfigSource {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/**
 * Reads a configuration, YAML 1.2 or JSON.
 *
 * @param file how it is called in errors
 * @throws UsageError where it can't be read, names a key twice or is indented by tabs, with its line
 */
export function parseConfig(text: string, file: string): ConfigNode {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', uniqueKeys: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new UsageError(`${file}:${line}:${col}: ${problem.message}`, { cause: problem });
  }
  const source = { file, document, lines };
  const root = new ConfigNode(source, document.contents, '', 0);
  // What refers to itself, or to more than a file can hold, shows itself only when it is read.
  return root.check(() => root.value) === null ? root.fail('expected keys and values, got nothing') : root;
}
