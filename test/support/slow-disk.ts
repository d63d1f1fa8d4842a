/**
 * A disk that is slow for some processes only: Linux’s control group for block I/O (version 1) lets them write no more often
 * than so many times a second, so that an fsync takes what a disk at its limits takes. It takes root.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

const CONTROL = '/sys/fs/cgroup/blkio'

export class SlowDisk {
  private readonly group: string
  private readonly device: string

  private constructor(group: string, device: string) {
    this.group = group
    this.device = device
  }

  /** Why this can’t be had here, or a group whose processes may write that often to the disk of this directory. */
  static open(directory: string, writesPerSecond: number): SlowDisk | string {
    const device = diskOf(directory)
    if (device === undefined) return 'the temporary directory is not on a disk of its own'
    const group = join(CONTROL, `countersign-${process.pid}`)
    if (!existsSync(join(CONTROL, 'blkio.throttle.write_iops_device')))
      return 'this machine has no control group for block I/O (version 1)'
    try {
      mkdirSync(group)
      writeFileSync(join(group, 'blkio.throttle.write_iops_device'), `${device} ${writesPerSecond}`)
    } catch (error) {
      return `this user may not slow down processes: ${(error as Error).message}`
    }
    return new SlowDisk(group, device)
  }

  hold(pid: number): void {
    writeFileSync(join(this.group, 'cgroup.procs'), String(pid))
  }

  /** Writes of these processes that went to the disk so far. */
  get writes(): number {
    const lines = readFileSync(join(this.group, 'blkio.throttle.io_serviced'), 'utf8').split('\n')
    const line = lines.find((one) => one.startsWith(`${this.device} Write `))
    return Number(line?.split(' ')[2] ?? 0)
  }

  /** Lets everybody go. */
  heal(): void {
    for (const pid of readFileSync(join(this.group, 'cgroup.procs'), 'utf8').split('\n'))
      if (pid !== '') writeFileSync(join(CONTROL, 'cgroup.procs'), pid)
  }

  close(): void {
    this.heal()
    rmdirSync(this.group)
  }
}

/** `major:minor` of the whole disk that a directory is on. */
function diskOf(directory: string): string | undefined {
  const { dev } = statSync(directory)
  const number = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`
  const device = `/sys/dev/block/${number}`
  if (!existsSync(device)) return undefined
  if (!existsSync(join(device, 'partition'))) return number
  const disk = basename(dirname(readlinkSync(device)))
  return readFileSync(`/sys/block/${disk}/dev`, 'utf8').trim()
}
