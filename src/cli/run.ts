// kubectl undercloud: picks the command, and turns what went wrong into plain lines and an exit code.
import { OperatorError } from '../kernel/errors.ts';
import { type Command, dispatch, isWrongUsage } from './command.ts';
import { image } from './image/command.ts';
import { images } from './images/command.ts';
import { importFiles } from './import/command.ts';
import type { Outside } from './outside/port.ts';

const name = 'kubectl undercloud';
const help = `usage: ${name} COMMAND [ARGUMENTS]

  import FILE…             make BareMetalNodes of instackenv.json, ContainerImageSets of TripleO's files about images
  image list|add|remove    which images machines are booted and deployed with
  images [SET]             which container images a cloud runs: as TripleO's environment file, or as a table

  ${name} COMMAND --help   all about one command

examples:
  ${name} import instackenv.json --dry-run
  ${name} image add debian-12 --url http://10.0.0.1:8088/debian-12.raw --default
  ${name} images osp13 -o wide
`;

const commands: Readonly<Record<string, Command>> = { import: importFiles, image, images };

/**
 * `args` without the program's name. Resolves to the exit code: 0 done, 1 not done (a line for each problem), 2 the command line
 * is wrong. What is no OperatorError is a mistake of ours and is thrown.
 */
export async function run(args: readonly string[], outside: Outside): Promise<number> {
  try {
    await dispatch(name, help, commands)(args, outside);
    return 0;
  } catch (error) {
    outside.progress('');
    if (isWrongUsage(error)) {
      outside.err(`${name}: ${error.message}\nSee ${error.command} --help\n`);
      return 2;
    }
    if (!(error instanceof OperatorError)) throw error;
    const lines = error.message.split('\n');
    outside.err(lines.map((line) => `${name}: ${line}\n`).join(''));
    return 1;
  }
}
