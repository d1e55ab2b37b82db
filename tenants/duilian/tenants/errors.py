"""What the tenants domain refuses."""

from __future__ import annotations

from duilian.infra import errors


class UnknownTenant(errors.NotFound):
    code = "unknown-tenant"
    zh = "没有找到名为「{slug}」的企业，请核对企业代号。"
    en = "There is no organisation called “{slug}”. Please check its short name."


class SignInFailed(errors.NotSignedIn):
    code = "sign-in-failed"
    zh = "邮箱或密码不正确。"
    en = "The e-mail address or the password is not right."


class TooManyAttempts(errors.TooManyRequests):
    code = "too-many-attempts"
    zh = "尝试次数过多，请在 {minutes} 分钟后再试。"
    en = "Too many attempts. Please try again in {minutes} minutes."

    def __init__(self, *, minutes: int) -> None:
        super().__init__(seconds=60 * minutes, minutes=minutes)


class SlugTaken(errors.Conflict):
    code = "slug-taken"
    zh = "企业代号「{slug}」已被使用，请换一个。"
    en = "The short name “{slug}” is taken. Please choose another."


class NotTheName(errors.Unprocessable):
    code = "not-the-name"
    zh = "请输入企业代号「{slug}」以确认，没有做任何改动。"
    en = "Type the short name “{slug}” to confirm; nothing was changed."


class AlreadyClosing(errors.Conflict):
    code = "already-closing"
    zh = "这家企业已申请注销。"
    en = "This organisation is being closed already."


class NotClosing(errors.Conflict):
    code = "not-closing"
    zh = "没有可以撤销的注销申请；若删除已经开始，则无法撤销。"
    en = "There is no closing to undo; once erasing has begun it cannot be undone."


class TenantClosing(errors.Conflict):
    code = "tenant-closing"
    zh = "这家企业正在注销，不再开始新的面试。"
    en = "This organisation is being closed; nothing new is started."


class WeakPassword(errors.Unprocessable):
    code = "weak-password"
    zh = "密码至少需要 {length} 个字符。"
    en = "A password needs at least {length} characters."


class BadSlug(errors.Unprocessable):
    code = "bad-slug"
    zh = "企业代号只能用小写字母、数字和连字符，2 到 40 个字符，以字母开头。"
    en = "A short name is 2 to 40 lower-case letters, digits and hyphens, starting with a letter."


class UnknownJurisdiction(errors.Unprocessable):
    code = "unknown-jurisdiction"
    zh = "没有「{jurisdiction}」这个法域。可选：{known}。"
    en = "There is no jurisdiction “{jurisdiction}”. There are: {known}."


class NotStricter(errors.Unprocessable):
    code = "not-stricter"
    zh = "「{feature}」的规则只能比法域要求（{rule}）更严格。"
    en = "The rule of “{feature}” may only be stricter than the jurisdiction's ({rule})."


class CannotTurnOn(errors.Unprocessable):
    code = "cannot-turn-on"
    zh = "「{feature}」在此法域的规则是“{rule}”，不能由管理员开启。"
    en = "“{feature}” is {rule} in this jurisdiction; an administrator cannot turn it on."


class StatementNeeded(errors.Unprocessable):
    code = "statement-needed"
    zh = "请写明依据（例如审计报告的日期与公开地址），它会记入审计日志。"
    en = "Please state the ground for it (such as the audit's date and public address); it goes into the audit log."


class TooManyHours(errors.Unprocessable):
    code = "too-many-hours"
    zh = "更正转写的时间最多 {most} 小时。"
    en = "At most {most} hours may be given to correct a transcript."


class OutOfPeriod(errors.Unprocessable):
    code = "out-of-period"
    zh = "保存期限必须在 {least} 到 {most} 天之间，您填写的是 {days} 天。"
    en = "A retention period here lies between {least} and {most} days; you gave {days}."


class UnknownUnit(errors.NotFound):
    code = "unknown-unit"
    zh = "没有这个组织节点，或者您看不到它。请从列表里选择。"
    en = "There is no such organisation unit, or it is not yours to see. Choose one from the list."


class BadUnitName(errors.Unprocessable):
    code = "bad-unit-name"
    zh = "请填写组织名称，最多 {most} 个字。"
    en = "Give the unit a name of at most {most} characters."


class BadUnitKind(errors.Unprocessable):
    code = "bad-unit-kind"
    zh = "组织类型应为区域、分支机构或部门；总部只有一个。"
    en = "A unit is a region, a branch or a department; there is one headquarters."


class UnitInsideItself(errors.Conflict):
    code = "unit-inside-itself"
    zh = "不能把组织移到它自己的下级里。"
    en = "A unit cannot be moved below itself."


class RootStays(errors.Conflict):
    code = "root-stays"
    zh = "总部是整棵组织树的根，不能移动或停用。"
    en = "Headquarters is the root of the tree; it cannot be moved or archived."


class UnitInUse(errors.Conflict):
    code = "unit-in-use"
    zh = "它下面还有组织，请先移走或停用。"
    en = "There are units below it; move or archive them first."


class UnknownRole(errors.Unprocessable):
    code = "unknown-role"
    zh = "没有这个角色。请从列表里选择。"
    en = "There is no such role. Choose one from the list."


class UnknownMember(errors.NotFound):
    code = "unknown-member"
    zh = "没有这位成员。"
    en = "There is no such member."


class LastOwner(errors.Conflict):
    code = "last-owner"
    zh = "这是最后一位所有者，请先把所有者交给别人。"
    en = "This is the last owner; make somebody else an owner first."


class NotYoursToGive(errors.Forbidden):
    code = "not-yours-to-give"
    zh = "您不能授予自己没有的权限。"
    en = "You cannot give a right that you do not have."


class MemberExists(errors.Conflict):
    code = "member-exists"
    zh = "该邮箱已是贵公司成员。"
    en = "This address already belongs to a member."


class BadRoleName(errors.Unprocessable):
    code = "bad-role-name"
    zh = "请给角色起一个名称（最多 {most} 个字），并至少选择一项权限。"
    en = "Give the role a name of at most {most} characters and choose at least one right."


class UnknownConsultant(errors.Unprocessable):
    code = "unknown-consultant"
    zh = "没有找到这位顾问。请核对顾问所在企业的标识和邮箱。"
    en = "This consultant was not found. Check the consultant's organisation and address."


class BadExpiry(errors.Unprocessable):
    code = "bad-expiry"
    zh = "授权期限须为 1 到 {most} 天。"
    en = "The access must last between 1 and {most} days."


class NotLetIn(errors.Unprocessable):
    code = "not-let-in"
    zh = "没有对您有效的授权。请核对企业代号，或请该企业重新授权。"
    en = "No access is open for you there. Check the short name, or ask that organisation to give access again."
