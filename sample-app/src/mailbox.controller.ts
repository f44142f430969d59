import { Controller, Get, NotFoundException } from '@nestjs/common';
import { MailboxServer } from './mailbox.server.js';

@Controller('mailbox')
export class MailboxController {
  constructor(private readonly mailbox: MailboxServer) {}

  @Get()
  list() {
    if (!this.mailbox.isOpen) throw new NotFoundException('Mail goes to the server of SMTP_URL; look there');
    return this.mailbox.list();
  }
}
