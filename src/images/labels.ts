// Which tag an image's own labels name, by a template such as {version}-{release}. Pure.
import { terminal, type OperatorError } from '../kernel/errors.ts';
import { isTag } from '../api/reference.ts';

const field = 'spec.tagFromLabel.format';
const shownLabels = 10;
const shownLength = 60;

/**
 * The tag by `format`: `{name}` stands for a label's value, `{{` and `}}` for a brace; without any brace it is a label's name itself,
 * as `rdo_version` (tripleo-common, image_uploader.py, _discover_tag_from_inspect). `image` is for messages. Throws terminal
 * TagFormatInvalid (a brace without its other), TagLabelUnknown (the image has no such label, or an empty one) and TagInvalid
 * (what its labels make is no tag).
 */
export function tagFromLabels(
  format: string,
  labels: Readonly<Record<string, string>>,
  image: string,
): string {
  const tag = piecesOf(format)
    .map((piece) => {
      if ('text' in piece) return piece.text;
      const value = Object.hasOwn(labels, piece.label) ? labels[piece.label] : undefined;
      if (value === undefined || value === '') throw unknown(image, piece.label, labels);
      return value;
    })
    .join('');
  if (isTag(tag)) return tag;
  throw terminal(
    'TagInvalid',
    `the labels of image ${image} make ${shown(tag)}, which is no tag: correct ${field}, or give the image a tag in spec.overrides`,
  );
}

type Piece = { readonly text: string } | { readonly label: string };

function piecesOf(format: string): readonly Piece[] {
  if (!/[{}]/.test(format)) return [{ label: format }];
  const tokens = format.match(/\{\{|\}\}|\{[^{}]+\}|[^{}]+|[{}]/g) ?? [];
  return tokens.map((token) => {
    switch (token) {
      case '{{':
      case '}}':
        return { text: token.slice(1) };
      case '{':
      case '}':
        throw terminal(
          'TagFormatInvalid',
          `${field} is ${shown(format)}, with a brace that has no other: write labels as in {version}-{release}`,
        );
      default:
        return token.startsWith('{') ? { label: token.slice(1, -1) } : { text: token };
    }
  });
}

function unknown(image: string, label: string, labels: Readonly<Record<string, string>>): OperatorError {
  const names = Object.keys(labels)
    .filter((name) => labels[name] !== '')
    .sort();
  const some = names.slice(0, shownLabels).map(shown).join(', ');
  const more = names.length > shownLabels ? ` and ${names.length - shownLabels} more` : '';
  const there = names.length === 0 ? 'none' : `${some}${more}`;
  return terminal(
    'TagLabelUnknown',
    `image ${image} has no label ${shown(label)}, it has ${there}: correct ${field}, or give the image a tag in spec.overrides`,
  );
}

/** Labels are whatever the image's author wrote: short, and on one line. */
const shown = (text: string): string =>
  JSON.stringify(text.length > shownLength ? `${text.slice(0, shownLength).toWellFormed()}…` : text);
