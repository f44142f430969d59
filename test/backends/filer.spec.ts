import { certify } from './filer/support/certify.js';

certify(true);
