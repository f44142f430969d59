import { Controller, Get, NotFoundException, Param } from '@nestjs/common';
import { JobLedger } from './job-ledger.service.js';

@Controller('jobs')
export class JobsController {
  constructor(private readonly ledger: JobLedger) {}

  @Get(':id')
  find(@Param('id') id: string) {
    const job = this.ledger.find(id);
    if (!job) throw new NotFoundException(`This shop knows no job "${id}"`);
    return job;
  }
}
