"""What can go wrong before and while the local services run; each sentence says what to do."""

from __future__ import annotations

from duilian.infra.errors import Problem


class LocalProblem(Problem):
    """Base of the problems of this package."""

    status = 500
    code = "local-problem"


class PythonTooOld(LocalProblem):
    code = "python-version"
    zh = "需要 Python {wanted}，当前是 {found}。请安装 Python {wanted}，删除 .venv 后重新运行 make up。"
    en = "Python {wanted} is needed, this is {found}. Install Python {wanted}, remove .venv and run make up again."


class PortInUse(LocalProblem):
    code = "port-in-use"
    zh = "端口 {port}（{purpose}）已被占用：{holder}。请停止该程序，或用 {setting} 换一个端口。"
    en = "Port {port} ({purpose}) is in use by {holder}. Stop that program, or choose another port with {setting}."


class DiskFull(LocalProblem):
    code = "disk-full"
    zh = "{path} 所在磁盘只剩 {free_gb:.1f} GB，至少需要 {needed_gb:.1f} GB。请清理空间，或用 {setting} 换一个位置。"
    en = (
        "The disk of {path} has {free_gb:.1f} GB left and {needed_gb:.1f} GB are needed. "
        "Free some space, or choose another place with {setting}."
    )


class NotWritable(LocalProblem):
    code = "not-writable"
    zh = "无法写入 {path}（{reason}）。请修正权限，或用 {setting} 换一个位置。"
    en = "{path} cannot be written ({reason}). Correct its permissions, or choose another place with {setting}."


class AlreadyRunning(LocalProblem):
    status = 409
    code = "already-running"
    zh = "{data_dir} 已由另一个 duilian up 使用（进程 {pid}，{address}）。请先在那个终端按 Ctrl-C，或用 --data-dir 换一个位置。"
    en = (
        "Another duilian up already runs on {data_dir} (process {pid}, {address}). "
        "Press Ctrl-C there first, or choose another place with --data-dir."
    )


class StartFailed(LocalProblem):
    code = "start-failed"
    zh = "{name} 启动失败：{reason}。日志：{log_file}\n{tail}"
    en = "{name} did not start: {reason}. Its log is {log_file}:\n{tail}"


class KeepsFailing(LocalProblem):
    code = "keeps-failing"
    zh = "{name} 连续 {times} 次异常退出，已全部停止。日志：{log_file}\n{tail}"
    en = (
        "{name} stopped unexpectedly {times} times, so everything was stopped. Its log is {log_file}:\n{tail}"
    )


class ClusterUnusable(LocalProblem):
    code = "cluster-unusable"
    zh = "{path} 中的数据库无法使用：{reason}。"
    en = "The database in {path} cannot be used: {reason}."


class MissingPackage(LocalProblem):
    code = "missing-package"
    zh = "缺少软件包 {package}。请运行 make up，它会安装所需的一切。"
    en = "The package {package} is missing. Run make up, which installs everything needed."
