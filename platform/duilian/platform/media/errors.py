"""What media refuses, with the reason."""

from __future__ import annotations

from duilian.infra import errors


class NoSuchTake(errors.NotFound):
    code = "no-such-take"
    zh = "没有这次录制，可能已经重新录制过。"
    en = "There is no such recording; it may have been replaced by a newer one."


class TakeFinished(errors.Conflict):
    code = "take-finished"
    zh = "这次录制已经完成，不能再添加内容。"
    en = "This recording is finished; nothing can be added."


class NoRetakesLeft(errors.Conflict):
    code = "no-retakes-left"
    zh = "这道题最多录制 {allowed} 次，已全部用完。"
    en = "This question may be recorded {allowed} times, and all are used."


class ChunkAltered(errors.Conflict):
    code = "chunk-altered"
    zh = "第 {seq} 段已收到过，但内容不同，已拒绝。"
    en = "Chunk {seq} was received before with other content and was refused."


class DigestMismatch(errors.Unprocessable):
    code = "digest-mismatch"
    zh = "第 {seq} 段在传输中损坏（摘要不符），请重新发送。"
    en = "Chunk {seq} was damaged on the way (its digest does not match). Please send it again."


class BadDigest(errors.BadRequest):
    code = "bad-digest"
    zh = "缺少 Content-Digest 请求头，或格式不是 sha-256=:base64:。"
    en = "The header Content-Digest is missing or not of the form sha-256=:base64:."


class ChunkTooLarge(errors.TooLarge):
    code = "chunk-too-large"
    zh = "单段内容超过 {limit}，已拒绝。"
    en = "A chunk may have at most {limit}."


class EmptyChunk(errors.Unprocessable):
    code = "empty-chunk"
    zh = "第 {seq} 段是空的。"
    en = "Chunk {seq} is empty."


class TakeTooLarge(errors.TooLarge):
    code = "take-too-large"
    zh = "这次录制超过 {limit}，不能再添加内容。"
    en = "A recording may have at most {limit}; nothing more can be added."


class BadSequence(errors.Unprocessable):
    code = "bad-sequence"
    zh = "段号 {seq} 超出范围（0 到 {most}）。"
    en = "Chunk number {seq} is out of range (0 to {most})."


class ChunksMissing(errors.Conflict):
    code = "chunks-missing"
    zh = "还有 {count} 段没有收到，请补发后再完成。"
    en = "{count} chunks have not arrived. Send them, then finish."


class ChainMismatch(errors.Unprocessable):
    code = "chain-mismatch"
    zh = "录制内容的校验链不一致，请重新发送或重新录制。"
    en = "The chain of the recording does not match what arrived. Send it again or record again."


class BrokenRecording(errors.Unprocessable):
    code = "broken-media"
    zh = "录制文件损坏或格式无法识别。"
    en = "The recording is damaged or of a kind we cannot read."


class EmptyRecording(errors.Unprocessable):
    code = "empty-recording"
    zh = "录制文件是空的。"
    en = "The recording is empty."


class RecordingTooLong(errors.Unprocessable):
    code = "too-long"
    zh = "录制时长 {seconds} 秒，超过了允许的 {limit} 秒。"
    en = "The recording lasts {seconds} seconds; {limit} are allowed."


class RecordingGone(errors.NotFound):
    code = "recording-gone"
    zh = "录制内容已被删除。"
    en = "The recording has been erased."
