import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

export interface Order {
  email: string;
  item: string;
}

/** What HTML takes for an e-mail address: one plain address, without a display name, a comma or a line break. */
const EMAIL =
  /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i;

/** The item is printed in headers of mail and on labels, where a control character or half a character could do harm. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

@Injectable()
export class OrderPipe implements PipeTransform<unknown, Order> {
  transform(body: unknown): Order {
    if (typeof body !== 'object' || body === null) {
      throw new BadRequestException('Send an order as JSON: { "email": "ada@example.org", "item": "teapot" }');
    }
    const { email, item } = body as Record<string, unknown>;
    if (typeof email !== 'string' || email.length > 254 || !EMAIL.test(email)) {
      throw new BadRequestException('"email" has to be an e-mail address such as "ada@example.org"');
    }
    if (typeof item !== 'string' || item.trim() === '' || item.length > 200 || UNPRINTABLE.test(item)) {
      throw new BadRequestException('"item" has to be a line of 1 to 200 characters, without control characters');
    }
    return { email, item: item.trim() };
  }
}
