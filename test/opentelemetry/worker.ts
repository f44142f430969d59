import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JobEvents, JobHandler, JobsModule } from '../../lib/index.js';
import { openTelemetry } from '../../lib/opentelemetry/index.js';
import { placeOf, registerTracing, spansOf } from './sdk.js';

/** Handles the jobs named `work` of an engine, and tells the places of its spans by `process.send`. */

const [backend = ''] = process.argv.slice(2);
const exporter = registerTracing();

@JobHandler('work')
class Works {
  handle(): void {}
}

class App {}
Module({ imports: [JobsModule.forRoot({ backend, telemetry: openTelemetry() })], providers: [Works] })(App);
const app = await NestFactory.createApplicationContext(App, { logger: ['error'] });
app.get(JobEvents).on('completed', () => process.send?.(spansOf(exporter, 'process default').map(placeOf)));
process.send?.('ready');
