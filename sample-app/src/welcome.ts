import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { config } from './shop.config.js';

const teapot = relative('', fileURLToPath(new URL('../teapot.svg', import.meta.url)));

/** What a visitor can try, to be copied line by line. */
export function welcome(url: string): string {
  return `
The shop is open: ${url}

Order something:        curl -X POST ${url}/orders -H 'content-type: application/json' -d '{ "email": "ada@example.org", "item": "teapot" }'
${mail(url)}
Post a picture:         curl -X POST ${url}/pictures -H 'content-type: image/svg+xml' --data-binary @${teapot}
Look after a job:       curl ${url}/jobs/<id>
Wait for its size:      curl ${url}/pictures/<id>/size
Fetch the thumbnail:    curl ${url}/pictures/<id>/thumbnail -o thumbnail.webp
Report what was sold:   npm run reports -- $(date -u +%F)

${config.jobsUrl ? 'The jobs are kept by the server of JOBS_URL, all else' : 'All is kept'} in ${config.data}: try kill -9 ${process.pid} while jobs run, and start the shop again.
`;
}

function mail(url: string): string {
  if (config.smtpUrl) return 'Mail goes to the server of SMTP_URL.';
  return `Read the mail:          curl ${url}/mailbox
See it go wrong:        order for busy@shop.example (tried again), for nobody@shop.example (failed)`;
}
