import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Job } from 'nestjs-jobs';
import { tap } from 'rxjs';
import { JobLedger } from './job-ledger.service.js';

/** For jobs whose callers wait for what they return: what is run again returns it again. */
@Injectable()
export class Noted implements NestInterceptor {
  constructor(private readonly ledger: JobLedger) {}

  intercept(context: ExecutionContext, next: CallHandler) {
    const [, job] = context.getArgs<[payload: unknown, job: Job]>();
    return next.handle().pipe(tap(() => this.ledger.noteCompleted(job)));
  }
}
