import { UsePipes, ValidationPipe } from '@nestjs/common';
import { IsEmail } from 'class-validator';
import { JobHandler, Payload } from 'nestjs-jobs';
import { expect, test } from 'vitest';
import { startJobs } from './application.js';

class Mail {
  @IsEmail()
  readonly to!: string;
}

class Strict extends ValidationPipe {}

@JobHandler('work')
@UsePipes(new ValidationPipe())
class Bare {
  handle(_payload: Mail): void {}
}

@JobHandler('work')
@UsePipes(Strict)
class ByClass {
  handle(_payload: Mail): void {}
}

@JobHandler('work')
@UsePipes(new ValidationPipe())
class Decorated {
  handle(@Payload() _payload: Mail): void {}
}

@UsePipes(new ValidationPipe())
class Method {
  @JobHandler('work')
  work(_payload: Mail): void {}
}

@JobHandler('work')
@UsePipes(new ValidationPipe({ expectedType: Mail }))
class Expected {
  handle(_payload: Mail): void {}
}

@JobHandler('work')
@UsePipes({ transform: (value: unknown) => value })
class Other {
  handle(_payload: Mail): void {}
}

test.each([Bare, ByClass])('a ValidationPipe that would check nothing is warned of at boot: %o', async (type) => {
  const { lines } = await startJobs({ providers: [type] });
  expect(lines.ofJobs('warn')).toEqual([
    `${type.name} in AppModule has a ValidationPipe, but what type the payload of handle has is not known at run time, ` +
      'so that nothing is checked: decorate the parameter, @Payload() payload: …',
  ]);
});

test.each([Decorated, Method, Expected, Other])('one that checks, and another pipe, are not: %o', async (type) => {
  const { lines } = await startJobs({ providers: [type] });
  expect(lines.ofJobs('warn')).toEqual([]);
});
