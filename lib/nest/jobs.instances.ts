import { Injectable } from '@nestjs/common';
import { called, DEFAULT_INSTANCE } from './own-tokens.js';

/** The instances of the module that one application has, by their names. */
@Injectable()
export class JobsInstances<Host = unknown> {
  private readonly hosts = new Map<string, Host>();

  get names(): readonly string[] {
    return [...this.hosts.keys()];
  }

  all(): readonly Host[] {
    return [...this.hosts.values()];
  }

  get(name: string): Host | undefined {
    return this.hosts.get(name);
  }

  /** @throws Error naming the instance where there is one of this name */
  add(name: string, host: Host): void {
    if (this.hosts.has(name)) throw new Error(twice(name));
    this.hosts.set(name, host);
  }

  /**
   * @param how an instance is named by what asks
   * @throws Error naming what asks and the instance where there is none of this name
   */
  check(name: string, who: string, how = "@JobHandler('…', { instance: '…' })"): void {
    if (this.hosts.has(name)) return;
    const others = this.names.map((other) => (other === DEFAULT_INSTANCE ? 'the default one' : `"${other}"`));
    const missing = name === DEFAULT_INSTANCE ? 'no default instance' : `no instance "${name}"`;
    throw new Error(
      `${who}, but this application has ${missing} of JobsModule, only ${others.join(', ')}. ` +
        (name === DEFAULT_INSTANCE
          ? `Name one: ${how}, or import JobsModule.forRoot({ … }) without a name.`
          : `Import JobsModule.forRoot({ name: '${name}', … }), or correct the option instance.`),
    );
  }
}

function twice(name: string): string {
  const given = name === DEFAULT_INSTANCE ? '…' : `{ name: '${name}', … }`;
  return (
    `${called(name)} is imported twice in one application. Import JobsModule.forRoot(${given}) once, in its root module, for ` +
    'it is global; with isGlobal: false, keep what forRoot returns in a constant, and import that. Several instances ' +
    'need names of their own.'
  );
}
