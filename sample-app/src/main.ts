import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { takePictures } from './picture-body.js';
import { config } from './shop.config.js';
import { welcome } from './welcome.js';

const app = await NestFactory.create<NestExpressApplication>(AppModule);
// On SIGTERM or Ctrl-C, running jobs may finish; without this they would be cut off, and run again at the next start.
app.enableShutdownHooks();
takePictures(app);
try {
  await app.listen(config.port, config.host);
  console.log(welcome(await app.getUrl()));
} catch (error) {
  console.error(`The shop can't open: ${(error as Error).message}`);
  process.exitCode = 1;
  await app.close();
}
