import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import type { Job } from 'nestjs-jobs';
import { tap } from 'rxjs';
import { requestId } from './request-context.js';

/** The package logs only what goes wrong; here, one likes to see one's jobs run. */
@Injectable()
export class JobLog implements NestInterceptor {
  private readonly logger = new Logger('Shop');

  intercept(context: ExecutionContext, next: CallHandler) {
    const [, { name, id }] = context.getArgs<[payload: unknown, job: Job]>();
    const start = performance.now();
    return next.handle().pipe(
      tap(() => {
        const ms = Math.round(performance.now() - start);
        const request = requestId();
        this.logger.log(`${name} ${id} done in ${ms} ms${request ? `, of request ${request}` : ''}`);
      }),
    );
  }
}
