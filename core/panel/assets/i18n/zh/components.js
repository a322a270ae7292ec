// Chinese: what the built-in strategies, key selectors and health checkers do.

export const components = {
  'said.docPriority': '每个请求都发往权重最高的可用渠道。',
  'said.docLowestLatency': '优先使用响应最快的渠道，按首字节时间的移动平均计算。',
  'said.docSticky': '让同一对话一直使用同一渠道，以利用站点的提示词缓存。',
  'said.docKeysInTurn': '轮流使用各个密钥，不看权重。',
  'said.docHTTP': '向渠道发送一个请求，默认获取模型列表，不产生费用。',
  'said.docInTurn': '轮流向各渠道各发一个请求，不看权重。',
  'said.docWeighted': '按渠道的权重比例分配请求，均匀交错。',
  'said.docLeastBusy': '按权重折算，发往进行中的请求最少的渠道。',
  'said.docRandom': '随机选择密钥，每个密钥的概率相同。',
  'said.docKeysWeighted': '按密钥的权重比例分配请求，均匀交错。',
  'said.docSequential': '一直使用第一个密钥，失败后用第二个，依此类推。',
  'said.docLeastUsed': '使各密钥的请求总数相同。',
  'said.docCompletion': '向模型发送一条简短的提示词。完整检验渠道，每次消耗少量 Token。',
  'said.processSignal': '进程被信号终止：{signal}',
  'said.processExit': '进程已退出，退出码 {code}',
};
