import { Body, Controller, Post } from '@nestjs/common';
import { PublisherService } from 'nestjs-jobs';
import { type Order, OrderPipe } from './order.pipe.js';
import { config } from './shop.config.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly publisher: PublisherService) {}

  @Post()
  async order(@Body(OrderPipe) order: Order) {
    const [email, reminder, label] = await this.publisher.publishMany([
      { name: 'send_email', payload: order },
      { name: 'send_reminder', payload: order, options: { delay: config.reminderDelay } },
      { name: 'shipping_label', payload: order, options: { priority: 10 } },
    ]);
    return { jobs: { email: email.id, reminder: reminder.id, label: label.id } };
  }
}
