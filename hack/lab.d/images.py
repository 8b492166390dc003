"""Builds the images of the lab, once: the Debian base, the machine, and service images in a registry's storage.

Each is cached under a hash of what it is made of (the files in machine/ and images/, and the recipe of the base).
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import engine
import registry
from host import run
from paths import SOURCE, cache
from report import LabError, step

BASE = 'undercloud-lab-base'
MACHINE = 'undercloud-lab-machine'
SERVICE = 'undercloud-lab-service'
BUILDING = 'undercloud-lab-building'

RELEASE = 'bookworm'
BASE_INCLUDES = 'python3'
BASE_LEFT_OUT = ['usr/share/doc', 'usr/share/man', 'usr/share/info', 'usr/share/locale', 'usr/share/lintian']
BASE_EMPTIED = ['proc', 'sys', 'dev', 'run', 'tmp', 'var/lib/apt/lists', 'var/cache', 'var/log']
BASE_FILES = {
    'etc/dpkg/dpkg.cfg.d/lab': ''.join(f'path-exclude=/{path}/*\n' for path in BASE_LEFT_OUT),
    'etc/apt/apt.conf.d/lab': 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n'
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n',
}
BASE_RECIPE = json.dumps([RELEASE, BASE_INCLUDES, BASE_LEFT_OUT, BASE_EMPTIED, BASE_FILES])


def build_all() -> str:
    """Builds what is not there yet; returns the machine image's name."""
    machine = f'{MACHINE}:{hash_of(_base(), SOURCE / "machine")}'
    if engine.inspect('images', machine) is None:
        _ensure_base()
        with step('building the machine image'):
            _build(machine, SOURCE / 'machine', {'BASE': _base()})
    if not registry_storage().exists():
        _ensure_base()
        _build_services(registry_storage())
    return machine


def registry_storage() -> Path:
    """The registry storage, ready-made, that holds all service images under both tags."""
    return cache() / f'registry-{hash_of(_base(), SOURCE / "images")}'


def remove_all() -> None:
    """Removes every image that was ever built here from the engine."""
    for image in engine.call('GET', '/images/json'):
        for reference in image['RepoTags'] or []:
            if reference.startswith((f'{BASE}:', f'{MACHINE}:', f'{SERVICE}:', f'{BUILDING}:')):
                engine.call('DELETE', f'/images/{reference}')


def catalog() -> Any:
    return json.loads((SOURCE / 'images' / 'catalog.json').read_text())


def hash_of(*parts: str | Path) -> str:
    """The first 12 digits of a hash over strings and directories (names, executable bits, content)."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
            continue
        for file in sorted(path for path in part.rglob('*') if path.is_file()):
            digest.update(
                f'{file.relative_to(part)} {file.stat().st_mode & 0o100}\n'.encode() + file.read_bytes()
            )
    return digest.hexdigest()[:12]


def _fresh_directory() -> Path:
    """An empty directory to build in; what an interrupted build left there goes away."""
    directory = cache() / 'building'
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o755)
    return directory


def _base() -> str:
    return f'{BASE}:{hash_of(BASE_RECIPE)}'


def _ensure_base() -> None:
    """A small Debian system by debootstrap, from the mirrors that this box itself uses."""
    if engine.inspect('images', _base()) is not None:
        return
    with step('building the base image (debootstrap, about a minute)'):
        root = _fresh_directory()
        _bootstrap(root)
        _import(root, _base())
        shutil.rmtree(root)


def _bootstrap(root: Path) -> None:
    """debootstrap in namespaces of its own: its mounts and its processes go away with it when it is interrupted."""
    targets = ['apt-get', 'indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Origin: Debian']
    listing = run([*targets, 'Created-By: Packages'], 'reading the list of Debian mirrors').splitlines()
    sources = sorted({line for line in listing if line.split()[1].startswith(RELEASE)})
    mirror = [line.split()[0] for line in sources if line.split()[1] == RELEASE][:1]
    options = ['--variant=minbase', f'--include={BASE_INCLUDES}']
    contained = ['unshare', '--mount', '--pid', '--fork', '--kill-child']
    run([*contained, 'debootstrap', *options, RELEASE, str(root), *mirror], 'debootstrap')
    for path, content in BASE_FILES.items():
        (root / path).write_text(content)
    if sources:
        (root / 'etc/apt/sources.list').write_text(''.join(f'deb {line}\n' for line in sources))


def _import(root: Path, name: str) -> None:
    excludes = [f'--exclude=./{path}/*' for path in BASE_LEFT_OUT + BASE_EMPTIED] + [
        '--exclude=./etc/resolv.conf'
    ]
    argv = ['tar', '-C', str(root), '--numeric-owner', *excludes, '-c', '.']
    repository, tag = name.split(':')
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as tar:
        for _ in engine.stream('/images/create', tar.stdout, fromSrc='-', repo=repository, tag=tag):
            pass
    if tar.returncode != 0:
        raise LabError(f'packing the base image failed: tar exits {tar.returncode}')


def _build(name: str, directory: Path, arguments: dict[str, str]) -> None:
    """docker build, without the docker command."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode='w') as tar:
        tar.add(directory, arcname='.', filter=_owned_by_root)
    last = ''
    try:
        query = {'t': name, 'networkmode': 'host', 'forcerm': '1', 'buildargs': json.dumps(arguments)}
        for message in engine.stream('/build', context.getvalue(), engine.NO_HEADERS, **query):
            last = message.get('stream', '').strip() or last
    except engine.EngineError as error:
        raise LabError(f'building {name} failed: {error}; the last line was: {last}') from None


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = 'root'
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def _build_services(storage: Path) -> None:
    """Builds every service image and leaves them in a registry storage; see catalog.json for which there are.

    An image that does not change between the tags is one image with two tags. One that does has the same layers.
    """
    content = catalog()
    common = f'{SERVICE}:{hash_of(_base(), SOURCE / "images" / "base")}'
    with step('building the layer that the service images share'):
        _build(common, SOURCE / 'images' / 'base', {'BASE': _base()})
    directory = _fresh_directory()
    with registry.temporary(directory) as address:
        for image in content['images']:
            name = content['prefix'] + image['name']
            with step(f'building {name}'):
                for tag in content['tags']:
                    _build_service(image, tag if image.get('changes') else content['tags'][0], common)
                    _push(f'{address}/{content["namespace"]}/{name}', tag['tag'])
    directory.rename(storage)


def _build_service(image: dict[str, Any], tag: dict[str, str], common: str) -> None:
    arguments = {
        'BASE': common,
        'SERVICE': image['name'],
        'PROJECT': image['name'].split('-')[0],
        'PACKAGES': image.get('packages', ''),
        'ACCOUNT': image['account'],
        'ACCOUNT_UID': str(image['uid']),
        'COMMANDS': image.get('commands', ''),
        'PORT': str(image.get('port', '')),
        'VERSION': tag['version'],
        'RELEASE': tag['release'],
    }
    _build(f'{BUILDING}:latest', SOURCE / 'images', arguments)


def _push(repository: str, tag: str) -> None:
    engine.call('POST', f'/images/{BUILDING}:latest/tag', repo=repository, tag=tag)
    for _ in engine.stream(f'/images/{repository}/push', None, {'X-Registry-Auth': 'e30='}, tag=tag):
        pass
    engine.call('DELETE', f'/images/{repository}:{tag}', noprune='1')
