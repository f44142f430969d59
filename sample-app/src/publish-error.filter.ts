import { type ArgumentsHost, Catch, Logger, ServiceUnavailableException } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { PublishError } from 'nestjs-jobs';

/** A job that could not be published is the caller's to know: nobody may take it for accepted. */
@Catch(PublishError)
export class PublishErrorFilter extends BaseExceptionFilter {
  private readonly logger = new Logger('Shop');

  override catch(error: PublishError, host: ArgumentsHost): void {
    this.logger.error(error.message, error.stack);
    super.catch(new ServiceUnavailableException('The shop can not take this right now; try again later'), host);
  }
}
