import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import { Order } from './jobs.js';

/** Checks a request by the schema of the jobs that come of it. */
@Injectable()
export class OrderPipe implements PipeTransform<unknown, Order> {
  transform(body: unknown): Order {
    const { success, data, error } = Order.safeParse(body);
    if (success) return data;
    throw new BadRequestException(error.issues.map(({ message }) => message).join('; '));
  }
}
