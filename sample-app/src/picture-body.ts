import type { NestExpressApplication } from '@nestjs/platform-express';

/** Lets a request bring a picture as its body, as it is. */
export function takePictures(app: NestExpressApplication): void {
  app.useBodyParser('raw', { type: 'image/*', limit: '20mb' });
}
