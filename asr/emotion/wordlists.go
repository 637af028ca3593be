package emotion

import "github.com/ivrd/ivrd/transcript"

// list are words that say the same.
type list struct {
	entry   entry
	english string // separated by commas
	chinese string // separated by spaces
}

// lists are written by hand for telephone service: few words, each of which
// seldom means something else there. Chinese is in simplified characters.
func lists() []list {
	return []list{
		{
			entry{transcript.Anger, -1, 1.5},
			`
			angry, furious, outraged, outrageous, infuriating, infuriated, livid, pissed off, pissed, fed up, sick of, sick and tired,
			had enough, ridiculous, unacceptable, how dare you, scam, rip off, ripped off, liar, liars, lied to me, bullshit, damn it,
			i hate, hate this, hate you, stop wasting my time, wasting my time, waste of time, lawsuit, sue you, drives me crazy,
			driving me crazy, driving me mad, so mad, really mad, worst service, enraged, rage, can't stand, cannot stand`,
			`愤怒 气死 气死我了 气愤 火大 发火 恼火 可恶 混蛋 骗子 骗人 太过分 过分 岂有此理 忍无可忍 受够了 不像话 王八蛋 他妈的 去死 滚蛋
			 坑人 投诉你们 举报你们 生气 很气 太气人 气人 欺负人 欺骗 什么态度 讨厌死了 烦死了 烦死我了 垃圾公司 太离谱 离谱`,
		},
		{
			entry{transcript.Anger, -0.6, 0.6},
			`
			annoyed, annoying, irritated, irritating, frustrated, frustrating, upset, impatient, complain, complaint, rude, useless,
			unfair, nonsense, not good enough, incompetent, mad, run around, runaround, what the hell, the hell`,
			`不满 不满意 不耐烦 烦人 好烦 心烦 投诉 举报 没用 不公平 不负责任 推卸责任 踢皮球 敷衍 态度差 态度恶劣 浪费时间 浪费我的时间 受不了 胡说`,
		},
		{
			entry{transcript.Disgust, -1, 1.3},
			`
			disgusting, disgusted, disgust, gross, revolting, nauseating, repulsive, sickening, makes me sick, filthy, yuck, vile`,
			`恶心 令人作呕 作呕 反胃 想吐 厌恶 太脏 肮脏 龌龊 下流 无耻 不要脸`,
		},
		{
			entry{transcript.Fear, -0.8, 1.3},
			`
			afraid, scared, scary, terrified, terrifying, frightened, frightening, panic, panicking, in danger, help me please, please help me,
			i'm in trouble, threatened, threatening, fear, fearful, horrified, dangerous`,
			`害怕 好怕 很怕 我怕 恐惧 恐慌 吓死 吓坏 吓人 惊慌 危险 救命 救救我 恐怖 威胁我 被威胁 慌了 心慌`,
		},
		{
			entry{transcript.Fear, -0.5, 0.7},
			`
			worried, worry, worrying, anxious, anxiety, nervous, stressed, concerned about, uneasy, desperate, emergency, urgent`,
			`担心 担忧 焦虑 紧张 不安 着急 好急 很急 急死 急死我了 发愁 忧虑 紧急 急救 怎么办`,
		},
		{
			entry{transcript.Sadness, -0.9, 1.3},
			`
			sad, sadly, heartbroken, depressed, depressing, miserable, hopeless, crying, cried, in tears, grief, grieving, lonely, devastated,
			passed away, funeral, mourning, unhappy`,
			`难过 伤心 悲伤 悲痛 痛苦 沮丧 绝望 心碎 哭了 想哭 流泪 孤独 去世 过世 葬礼 难受 抑郁 崩溃 委屈`,
		},
		{
			entry{transcript.Sadness, -0.5, 0.7},
			`
			disappointed, disappointing, disappointment, let down, regret, unfortunate, pity, lost everything`,
			`失望 遗憾 可惜 无奈 无助 灰心 心酸`,
		},
		{
			entry{transcript.Happiness, 1, 1.3},
			`
			happy, so glad, delighted, wonderful, fantastic, excellent, amazing, awesome, love it, love this, i love, brilliant, thrilled, overjoyed,
			perfect, great news, made my day, so pleased, very pleased, marvellous, marvelous, hooray, yay`,
			`高兴 开心 快乐 太好了 太棒了 棒极了 真棒 完美 喜欢 满意 非常好 好极了 幸福 惊喜 哈哈 欣慰 很棒 好开心 好高兴`,
		},
		{
			entry{transcript.Happiness, 0.5, 0.4},
			`
			glad, pleased, grateful, appreciate, thank you so much, thanks so much, very helpful, very kind, great, good job, well done, satisfied, relieved`,
			`感谢 多谢 太感谢了 非常感谢 感激 真好 很好 不错 挺好 放心了 辛苦了 帮了大忙`,
		},
		{
			entry{transcript.Surprise, 0, 1.2},
			`
			surprised, surprising, astonished, astonishing, shocked, unbelievable, oh my god, no way, i can't believe, can't believe it, cannot believe,
			unexpected, unexpectedly, wow, out of the blue`,
			`惊讶 吃惊 震惊 想不到 没想到 居然 竟然 不敢相信 难以置信 天哪 天啊 我的天 怎么可能 真没想到 意外`,
		},
		{
			entry{transcript.Unknown, 0.4, 0},
			`
			good, nice, helpful, thanks, thank you, no problem, that works, solved, fixed, works now, fine`,
			`谢谢 没问题 好用 解决了 修好了 可以了`,
		},
		{
			entry{transcript.Unknown, -0.4, 0},
			`
			bad, terrible, horrible, awful, poor, wrong, problem, problems, broken, fails, failed, failure, error, overcharged, slow, never works,
			doesn't work, does not work, not working, isn't working, keeps happening, nobody helps, third time, still waiting, worse, worst, stolen, fraud`,
			`糟糕 太差 很差 好差 问题 故障 坏了 错误 出错 失败 太慢 很慢 多扣 乱扣 扣错 等了很久 还没解决 没人管 没人理 不行 不能用 用不了 被盗 诈骗 骗了`,
		},
		// What would be misread in parts.
		{
			entry{},
			`
			good morning, good afternoon, good evening, good night, good bye, good day, not a problem, fine print, no fear, never mind, pretty good idea,
			surprise party, emergency contact, error code, damage report, urgent care, complaint number, complaints department, password problem`,
			`不好意思 差不多 意外险 意外保险 怎么办理 怎么办卡 紧急联系人 问题不大 危险品 投诉电话 投诉部门 请问问题 提问题 喜欢不喜欢 好不好 满意度 满意不满意 高兴为您 满意度调查`,
		},
	}
}

// turns begin a new clause: what was denied before is not after.
var turns = []string{"but", "however", "because", "although", "though"}

var negations = []string{
	"not", "no", "never", "none", "nothing", "nobody", "neither", "nor", "without", "hardly", "don't", "dont", "doesn't", "doesnt", "didn't", "didnt",
	"isn't", "isnt", "aren't", "arent", "wasn't", "wasnt", "weren't", "won't", "wont", "can't", "cant", "cannot", "couldn't", "wouldn't", "shouldn't",
	"haven't", "hasn't", "hadn't", "ain't",
}

const (
	chineseNegations = "不没别未无勿甭"
	// chineseLight may stand between a negation and what it denies: 不是很高兴, 没有那么生气.
	chineseLight = "是有太很怎么那这要用会必觉得再感到特别算多么十分非常可以让您你我为"
)
