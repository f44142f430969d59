import { defineJob } from 'nestjs-jobs';
import { z } from 'zod';

/** The item is printed in headers of mail and on labels, where a control character or half a character could do harm. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u;

/** What a customer sends, and what the jobs that come of it get. */
export const Order = z.object(
  {
    email: z
      .email({
        // What HTML takes for one: a plain address, without a display name, a comma or a line break.
        pattern: z.regexes.html5Email,
        error: '"email" has to be an e-mail address such as "ada@example.org"',
      })
      .max(254, '"email" has to be at most 254 characters long'),
    item: z
      .string('"item" has to be a text')
      .trim()
      .min(1, '"item" must not be empty')
      .max(200, '"item" has to be at most 200 characters long')
      .regex(PRINTABLE, '"item" has to be one line, without control characters'),
  },
  'Send an order as JSON: { "email": "ada@example.org", "item": "teapot" }',
);
export type Order = z.infer<typeof Order>;

/** Mail has a queue of its own, for its server takes only so much of it: see the limits in `app.module.ts`. */
export const OrderMail = defineJob('send_email', { payload: Order, queue: 'mail' });
export const Reminder = defineJob('send_reminder', { payload: Order, queue: 'mail' });

/** What becomes of a parcel: each goes on as the next, under the same id. */
export const Handover = defineJob('hand_over', { payload: Order });
export const Sale = defineJob('note_sale', { payload: Order, forwardTo: Handover });
/** The parcels wait for it, so it goes first. */
export const Label = defineJob('shipping_label', { payload: Order, priority: 10, forwardTo: Sale });

/**
 * Of a picture that was stored before: a job carries a reference, never megabytes. Pictures take the processor: they have
 * a queue of their own, so that mail needn't wait behind them.
 */
export const Thumbnail = defineJob('make_thumbnail', {
  payload: z.object({ picture: z.string() }),
  result: z.object({ width: z.number(), height: z.number() }),
  queue: 'pictures',
  concurrency: 2,
});

/** What was sold on one day. */
export const DailySales = defineJob('daily_sales', {
  payload: z.object({ day: z.iso.date() }),
  result: z.object({ orders: z.number() }),
});

/** Asks each night for the report of the day before. */
export const AskForReport = defineJob('ask_for_report');
