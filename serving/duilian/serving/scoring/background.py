"""Sentences that have nothing to do with any competency, frozen with the scorer's version.

Cosines of multilingual-e5 sit in a narrow band (0.79–0.96), so a similarity means something only beside the
similarities that unrelated sentences reach. These are the unrelated sentences.
"""

from __future__ import annotations

BACKGROUND: dict[str, tuple[str, ...]] = {
    "zh": (
        "今天天气不错，下午可能会下雨。",
        "我昨天晚上看了一场足球比赛。",
        "这家餐厅的面条很好吃。",
        "地铁二号线早高峰人特别多。",
        "我家养了一只橘色的猫。",
        "周末我打算去公园散步。",
        "这本小说讲的是一个侦探的故事。",
        "冬天的北方会下很大的雪。",
        "我喜欢听古典音乐和民谣。",
        "手机电池用了两年，不太耐用了。",
        "飞机晚点了三个小时。",
        "我妹妹在学习画画。",
        "超市里的苹果打折了。",
        "他们去年夏天去了海边旅行。",
        "我叫小林，今年二十六岁，来自南京。",
        "我毕业于一所普通大学，平时喜欢跑步。",
        "谢谢您给我这次机会。",
        "我的性格比较开朗，大家都这么说。",
        "我不太清楚，可能就是这样吧。",
        "嗯，让我想一想这个问题。",
        "我说完了，谢谢。",
        "这个问题我以前没有遇到过。",
        "图书馆晚上十点关门。",
        "新买的沙发颜色有点深。",
    ),
    "en": (
        "The weather is fine today and it may rain this afternoon.",
        "Last night I watched a football match on television.",
        "The noodles in that restaurant are very good.",
        "The underground is crowded in the morning.",
        "We have an orange cat at home.",
        "At the weekend I want to go for a walk in the park.",
        "The novel tells the story of a detective.",
        "In winter there is a lot of snow in the north.",
        "I like classical music and folk songs.",
        "The battery of my phone does not last long any more.",
        "The plane was three hours late.",
        "My sister is learning to paint.",
        "Apples are on sale at the supermarket.",
        "They travelled to the seaside last summer.",
        "My name is Lynn, I am twenty-six and I come from Leeds.",
        "I graduated from an ordinary university and like running.",
        "Thank you for giving me this opportunity.",
        "People say that I am quite an outgoing person.",
        "I am not really sure, maybe it is like that.",
        "Well, let me think about this question.",
        "That is all from me, thank you.",
        "I have never come across this before.",
        "The library closes at ten in the evening.",
        "The colour of the new sofa is rather dark.",
    ),
}
