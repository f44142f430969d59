import { Body, Controller, Post } from '@nestjs/common';
import { PublisherService } from 'nestjs-jobs';
import { Label, type Order, OrderMail, Reminder } from './jobs.js';
import { OrderPipe } from './order.pipe.js';
import { config } from './shop.config.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly publisher: PublisherService) {}

  @Post()
  async order(@Body(OrderPipe) order: Order) {
    const [email, reminder, label] = await this.publisher.publishMany([
      { job: OrderMail, payload: order },
      { job: Reminder, payload: order, options: { delay: config.reminderDelay } },
      { job: Label, payload: order },
    ]);
    return { jobs: { email: email.id, reminder: reminder.id, label: label.id } };
  }
}
