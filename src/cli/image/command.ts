// kubectl undercloud image: picks list, add or remove.
import { dispatch } from '../command.ts';
import { addImage } from './add.ts';
import { listImages } from './list.ts';
import { removeImage } from './remove.ts';

const name = 'kubectl undercloud image';
const help = `usage: ${name} list|add|remove [ARGUMENTS]

The images that machines are booted and deployed with, in the ConfigMap undercloud-images of a namespace.

  list          show them
  add NAME      an operating system, or with the name deploy the ramdisk that inspects, deploys and cleans
  remove NAME   forget one that nothing needs

  ${name} list|add|remove --help   all about one of them

examples:
  ${name} list
  ${name} add debian-12 --url http://10.0.0.1:8088/debian-12.raw --default
  ${name} remove debian-11
`;

export const image = dispatch(name, help, { list: listImages, add: addImage, remove: removeImage });
