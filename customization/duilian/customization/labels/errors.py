"""What imports and ratings refuse."""

from __future__ import annotations

from duilian.infra import errors


class FileUnreadable(errors.Unprocessable):
    code = "file-unreadable"
    zh = "文件读不出来：{reason}。请另存为 .xlsx 或 UTF-8 编码的 .csv 后再上传。"
    en = "The file cannot be read: {reason}. Save it as .xlsx or as .csv in UTF-8 and upload it again."


class OldExcel(errors.Unprocessable):
    code = "old-excel"
    zh = "这是旧版 Excel（.xls）或加了密码的文件。请在 Excel 中打开，去掉密码，另存为 .xlsx 后再上传。"
    en = "This is an old Excel file (.xls) or one with a password. Open it in Excel, take the password away, save it as .xlsx and upload that."


class UnknownFormat(errors.Unprocessable):
    code = "unknown-format"
    zh = "不认识「{name}」的格式。可以上传 .xlsx、.xlsm、.csv、.tsv、.jsonl，或内含录音与索引表的 .zip。"
    en = "The format of “{name}” is not known. Upload .xlsx, .xlsm, .csv, .tsv, .jsonl, or a .zip of recordings with an index."


class FileTooLarge(errors.TooLarge):
    code = "file-too-large"
    zh = "文件太大：上限为 {limit}。请拆成几个文件分别导入。"
    en = "The file is too large: the limit is {limit}. Split it and import the parts."


class TooManyRows(errors.Unprocessable):
    code = "too-many-rows"
    zh = "行数太多：一次最多 {most} 行。请拆成几个文件分别导入。"
    en = "Too many rows: {most} at most at a time. Split the file and import the parts."


class EmptyFile(errors.Unprocessable):
    code = "empty-file"
    zh = "文件里没有数据行。第一行应是列名，从下一行开始是数据。"
    en = "The file holds no rows. The first row should name the columns, data begin in the next."


class NoIndex(errors.Unprocessable):
    code = "no-index"
    zh = "压缩包里没有索引表。请放入一个 .csv 或 .xlsx，每行写明录音文件名、题目、得分等。"
    en = "The archive has no index. Put a .csv or .xlsx into it that names, row by row, the recording, the question, the score."


class BadMapping(errors.Unprocessable):
    """field: of the mapping."""

    code = "bad-mapping"
    zh = "列的对应关系不完整或有误：{field}。"
    en = "The mapping of columns is incomplete or wrong at: {field}."


class WrongState(errors.Conflict):
    code = "import-state"
    zh = "这次导入现在的状态是「{state}」，不能这样操作。请刷新页面。"
    en = "The import is “{state}” now, which does not allow this. Reload the page."


class NothingToImport(errors.Unprocessable):
    code = "nothing-to-import"
    zh = "没有可以导入的行：请先改正列的对应关系，或修改文件后重新上传。"
    en = "There is no row to import. Correct the mapping of columns, or mend the file and upload it again."


class LabelsWouldGo(errors.Conflict):
    """labels: ratings by people of this platform that the undo takes away."""

    code = "labels-would-go"
    zh = "这次导入的回答上已有 {labels} 条人工标注，撤销会一并删除。请确认后再撤销。"
    en = "People have given {labels} ratings to answers of this import; undoing it takes them away too. Confirm it to go on."


class BadLevel(errors.BadRequest):
    code = "bad-level"
    zh = "等级应为 1 到 5 的整数。"
    en = "The level must be a whole number from 1 to 5."


class EvidenceOutside(errors.Unprocessable):
    code = "evidence-outside"
    zh = "标出的依据不在回答原文之内，请重新选取。"
    en = "The evidence that was marked does not lie in the answer. Please mark it again."


class OwnRating(errors.Conflict):
    code = "own-rating"
    zh = "这条回答的第一次评级是您给的，第二次评级须由另一位同事独立完成。"
    en = "You gave the first rating of this answer; the second must come from somebody else."


class SeenBefore(errors.Conflict):
    code = "seen-before"
    zh = "您看过这条回答的 AI 评分，不能再做盲评。请由其他人评。"
    en = "You have seen what the scorer said of this answer, so your rating would not be blind. Somebody else rates it."


class RatedTwice(errors.Conflict):
    code = "rated-twice"
    zh = "这条回答已有两份评级，不再需要新的评级。"
    en = "This answer has both its ratings; it needs no other."


class NotAdjudicable(errors.Conflict):
    code = "not-adjudicable"
    zh = "只有两份评级相差一级或以上的回答才需要裁定。"
    en = "Only answers whose two ratings differ by a level or more are adjudicated."


class OwnDisagreement(errors.Conflict):
    code = "own-disagreement"
    zh = "您是两位评级人之一，分歧须由第三位同事裁定。"
    en = "You are one of the two raters; a third person must adjudicate."


class LabelReasonNeeded(errors.Unprocessable):
    code = "label-reason-needed"
    zh = "请写明理由，至少 {length} 个字。"
    en = "Please give a reason of at least {length} characters."


class NothingToUndo(errors.Conflict):
    code = "nothing-to-undo"
    zh = "没有可以撤销的评级。"
    en = "There is no rating of yours to undo."
