import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Order } from './jobs.js';

/** The domains that mail may go to; undefined: all. */
export const MAIL_DOMAINS = Symbol('MAIL_DOMAINS');

/** A shop that runs on a copy of the real orders must not write to real customers. */
@Injectable()
export class MailDomains implements CanActivate {
  constructor(@Inject(MAIL_DOMAINS) private readonly allowed: readonly string[] | undefined) {}

  canActivate(context: ExecutionContext): boolean {
    const [{ email }] = context.getArgs<[payload: Order]>();
    const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
    return this.allowed?.includes(domain) ?? true;
  }
}
