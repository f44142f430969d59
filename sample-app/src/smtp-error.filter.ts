import { Catch, type ExceptionFilter } from '@nestjs/common';
import { Fatal, Transient } from 'nestjs-jobs';
import type { NodemailerError } from 'nodemailer';

/** The server can't be reached, or says «later» (4xx). */
@Transient()
export class MailServerBusy extends Error {}

/** The server says «never» (5xx). */
@Fatal()
export class MailRefused extends Error {}

const CONNECTION_TROUBLES = ['ECONNECTION', 'ETIMEDOUT', 'ESOCKET', 'EDNS'];

/** Says in the words of jobs what an error of SMTP means. A filter of a job throws; one that returned would change nothing. */
@Catch()
export class SmtpErrorFilter implements ExceptionFilter<NodemailerError> {
  catch(error: NodemailerError): never {
    const { message, code = '', responseCode } = error;
    if (responseCode === undefined && !CONNECTION_TROUBLES.includes(code)) throw error;
    if (responseCode !== undefined && responseCode >= 500) throw new MailRefused(message, { cause: error });
    throw new MailServerBusy(message, { cause: error });
  }
}
