# What the answers of sites mean. The first verdict whose conditions are all met
# decides; if none matches, the status decides. Every verdict is tested by an
# answer in testdata.

# --- The site refuses this address --------------------------------------------

# Cloudflare's challenge for browsers.
verdict "cloudflare-challenge" {
  header  = { "Cf-Mitigated" = "^challenge$" }
  means   = "blocked"
  at_once = true
}

# Cloudflare's challenge page without its header, which a front end removed.
verdict "challenge-page" {
  status       = [200, 401, 403, 429, 503]
  content_type = "text/html"
  message      = "(?i)^(?:just a moment|checking your browser|verify you are human|请稍候|安全(?:验证|检查)|人机验证|访问验证|ddos-guard|security check|human verification|robot check)"
  means        = "blocked"
  at_once      = true
}

# Challenges of Cloudflare, Alibaba Cloud, Kasada, Akamai, DataDome, HUMAN and
# Tencent Cloud, known by their scripts.
verdict "challenge-script" {
  status       = [200, 202, 401, 403, 405, 429, 503]
  content_type = "text/html"
  body         = "_cf_chl_opt|aliyun_waf_aa|acw_sc__v2|KPSDK|cp_challenge|captcha-delivery\\.com|_pxAppId|TencentCaptcha|AliyunCaptcha|AwsWafIntegration"
  means        = "blocked"
  at_once      = true
}

# HUMAN's challenge, in JSON.
verdict "human-challenge" {
  status  = 403
  json    = { "appId" = "^PX", "blockScript" = "." }
  means   = "blocked"
  at_once = true
}

# A message that a captcha is required.
verdict "captcha-message" {
  status  = [401, 403, 429]
  message = "(?i)(?:人机验证|滑块验证|captcha)"
  means   = "blocked"
  at_once = true
}

# Vercel's challenge.
verdict "vercel-challenge" {
  header  = { "X-Vercel-Mitigated" = "^(?:challenge|deny)$" }
  means   = "blocked"
  at_once = true
}

# AWS WAF's challenge.
verdict "aws-waf-challenge" {
  header  = { "X-Amzn-Waf-Action" = "^(?:challenge|captcha)$" }
  means   = "blocked"
  at_once = true
}

# DataDome's challenge.
verdict "datadome-challenge" {
  status  = [401, 403, 405]
  header  = { "X-Datadome" = "." }
  means   = "blocked"
  at_once = true
}

# Cloudflare refuses this address, in plain text.
verdict "cloudflare-address" {
  status       = [403, 429, 503]
  content_type = "text/plain"
  body         = "^\\s*error code: 10(05|06|07|08|09|10|12|20)\\s*$"
  means        = "blocked"
}

# Cloudflare refuses this address, with a page.
verdict "cloudflare-address-page" {
  status       = [403, 429, 503]
  content_type = "text/html"
  message      = "(?i)access denied \\| .* used cloudflare"
  means        = "blocked"
}

# Cloudflare refuses this address, in JSON for callers that accept nothing else.
verdict "cloudflare-address-json" {
  status = [403, 429, 503]
  json   = { "cloudflare_error" = "^true$", "error_code" = "^10(05|06|07|08|09|10|12|20)$" }
  means  = "blocked"
}

# Cloudflare limits the request rate of this address.
verdict "cloudflare-rate" {
  status = [429, 503]
  body   = "^\\s*error code: 1015\\s*$"
  means  = "rate_limited"
  scope  = "channel"
}

# Cloudflare limits the request rate of this address, in JSON.
verdict "cloudflare-rate-json" {
  status = [429, 503]
  json   = { "cloudflare_error" = "^true$", "error_code" = "^1015$" }
  means  = "rate_limited"
  scope  = "channel"
}

# The site has used up its own quota at Cloudflare.
verdict "cloudflare-site-limit" {
  status = 429
  body   = "^\\s*error code: 1027\\s*$"
  means  = "overloaded"
}

# Cloudflare's firewall rejects the prompt ("a certain word or phrase, a SQL
# command"); another prompt may pass.
verdict "cloudflare-prompt" {
  status       = 403
  content_type = "text/html"
  method       = "POST"
  endpoint     = "generate"
  message      = "^Attention Required! \\| Cloudflare"
  means        = "declined"
}

# Cloudflare's firewall refuses a request without a prompt, so it refuses the
# address.
verdict "cloudflare-firewall" {
  status       = 403
  content_type = "text/html"
  message      = "^Attention Required! \\| Cloudflare"
  means        = "blocked"
}

# CloudFront refuses a country.
verdict "cloudfront-country" {
  status       = 403
  content_type = "text/html"
  body         = "configured to block access from your country"
  means        = "blocked"
  at_once      = true
}

# CloudFront with a firewall that refuses this address.
verdict "cloudfront-address" {
  status       = 403
  content_type = "text/html"
  header       = { "X-Cache" = "(?i)error from cloudfront" }
  body         = "Request blocked"
  means        = "blocked"
}

# Imperva refuses this address, with a page.
verdict "imperva-address" {
  status       = [200, 403, 503]
  content_type = "text/html"
  body         = "Incapsula incident ID|_Incapsula_Resource"
  means        = "blocked"
}

# Imperva refuses this address, in JSON.
verdict "imperva-address-json" {
  status = 403
  json   = { "incidentId" = ".", "errorDescription" = "." }
  means  = "blocked"
}

# The firewall of Tencent's EdgeOne rejects the prompt.
verdict "edgeone-prompt" {
  status       = 566
  content_type = "text/html"
  method       = "POST"
  endpoint     = "generate"
  means        = "declined"
}

# The firewall of Tencent's EdgeOne refuses this address, or limits its request
# rate.
verdict "edgeone-address" {
  status       = [566, 567]
  content_type = "text/html"
  means        = "blocked"
}

# Azure Front Door refuses this address.
verdict "azure-front-door-address" {
  status       = 403
  content_type = "text/html"
  body         = "The request is blocked\\."
  means        = "blocked"
}

# Firewalls that refuse this address with a page, recognized by its title, such as
# Akamai's and Sucuri's.
verdict "firewall-page" {
  status       = [200, 403, 405, 406, 429, 503]
  content_type = "text/html"
  message      = "(?i)^(?:sucuri website firewall|access (?:denied|blocked|restricted)$|restricted access|blocked$|your access (?:has been|is) blocked|your access to this site has been limited|访问(?:受限|被阻止|被禁止|过于频繁)|ip ?(?:已被|被)?(?:封禁|拉黑|限制))"
  means        = "blocked"
}

# A front end refuses the client program or its address.
verdict "request-blocked" {
  status  = 403
  message = "(?i)^your (?:request|ip(?: address)?|access) (?:was|has been|is) (?:blocked|banned)\\.?$"
  means   = "blocked"
}

# A front end refuses the request or this address, with a message in Chinese.
verdict "request-blocked-zh" {
  status  = [400, 403, 429]
  message = "(?i)(?:IP[^，。]{0,6}(?:被|已)(?:封禁|封锁|拉黑|禁止|限制)|(?:WAF|防火墙|安全策略)[^，。]{0,6}(?:拦截|阻断|拒绝))"
  means   = "blocked"
}

# Sites that refuse addresses of data centers and proxies.
verdict "address-kind" {
  status  = [400, 401, 403]
  message = "(?i)(?:\\b(?:vpn|proxy|tor)\\b[^.]{0,24} (?:detected|not allowed|blocked|prohibited)|data ?cent(?:er|re) (?:ip|address)|hosting provider)"
  means   = "blocked"
}

# A rate limit for this address.
verdict "address-limit" {
  status  = [403, 429, 503]
  message = "(?i)(?:(?:requests|attempts|traffic) from (?:this|your) ip|IP[^，。]{0,8}(?:频繁|超过|超出|过多))"
  means   = "rate_limited"
  scope   = "channel"
}

# Alibaba Cloud's firewall refuses this address.
verdict "aliyun-address" {
  status       = [403, 405]
  content_type = "text/html"
  body         = "errors\\.aliyun\\.com|由于您访问的URL有可能对网站造成安全威胁|may cause potential threats to the server"
  means        = "blocked"
}

# Firewalls that reject the prompt: Baota, SafeLine, Tencent Cloud, Huawei Cloud,
# Knownsec, F5, ModSecurity.
verdict "waf-prompt" {
  status = [200, 403, 405, 406, 418, 468, 501]
  body   = "您的请求带有不合法参数|请求存在威胁|您提交的请求可能对网站造成威胁|您的请求疑似攻击行为|当前访问疑似黑客攻击|The requested URL was rejected\\. Please consult|generated by Mod_Security"
  means  = "declined"
}

# A filter in the local network.
verdict "network-filter" {
  status       = [200, 403, 503]
  content_type = "text/html"
  message      = "(?i)(?:fortiguard|web page blocked|zscaler|web filter|access to this site is blocked)"
  means        = "blocked"
}

# OpenAI does not serve this country.
verdict "openai-country" {
  code    = "^(?:unsupported_country_region_territory|unsupported_country)$"
  means   = "blocked"
  at_once = true
}

# Gemini does not serve this country.
verdict "gemini-location" {
  message = "(?i)user location is not supported"
  means   = "blocked"
  at_once = true
}

# Gemini without billing, in a country without the free tier: another key may have
# billing.
verdict "gemini-free-tier-country" {
  status  = 400
  message = "(?i)free tier is not available in your country"
  means   = "quota_spent"
}

# Models that are not offered in this country, unlike other models of the site.
verdict "country-model" {
  status  = [400, 403, 404, 451]
  message = "(?i)(?:access to .{1,40} models is not (?:allowed|available) (?:in|from)|model(?: [^ ]{1,80})? is not (?:available|supported|offered) in your (?:country|region|location))"
  means   = "blocked"
  scope   = "channel-model"
  at_once = true
}

# A site does not serve this country.
verdict "country" {
  status  = [400, 401, 403, 451]
  message = "(?i)(?:country, region, or territory (?:is )?not supported|(?:from|in) (?:an )?(?:unsupported|restricted) (?:countr|region|location|territor)|not authorized in (?:this|your) (?:country|region|location)|(?:service|api|product|platform|site|openai|chatgpt|claude|anthropic|gemini|access)[^.]{0,40} not (?:available|supported|offered|accessible|allowed) in your (?:country|region|location|area|territory)|region is not supported|country is not supported|(?:access|requests?|connections?|traffic|users) from (?:your |this |the |mainland )*(?:country|region|location|area|china|hong kong|russia)[^.]{0,24} (?:not (?:allowed|permitted|supported|available)|denied|blocked|forbidden|restricted|prohibited)|geo-?(?:ip|block|restrict|fenc)[a-z]*[^a-z].{0,40}(?:denied|blocked|not allowed|restricted)|(?:禁止|拒绝|不允许|限制)[^，。]{0,6}(?:中国|大陆|境内|国内|海外|境外)[^，。]{0,8}(?:ip|访问|使用|请求)|您所在的(?:国家|地区)|(?:当前|所在|您的|该)(?:地区|区域|国家)[^，。]{0,6}(?:不可用|不支持|受限|被限制|未开放)|不支持(?:当前|您所在的?)(?:地区|区域|国家))"
  means   = "blocked"
  at_once = true
}

# A feature of the site is not offered in this country.
verdict "country-part" {
  status  = [400, 403, 404, 451]
  message = "(?i)not (?:available|supported|offered|accessible) in your (?:country|region|location|area|territory)"
  means   = "blocked"
  scope   = "channel-model"
  at_once = true
}

# Anthropic does not serve this country.
verdict "anthropic-country" {
  status  = 403
  message = "^Request not allowed$"
  means   = "blocked"
}

# Groq refuses some networks.
verdict "groq-network" {
  status  = 403
  message = "(?i)access denied\\. please check your network settings"
  means   = "blocked"
}

# Azure accepts only certain networks.
verdict "azure-network" {
  status  = 403
  message = "(?i)(?:denied due to virtual network/firewall rules|public access is disabled|traffic is not from an approved private endpoint)"
  means   = "blocked"
}

# --- The request, if the site says what is wrong with it ----------------------

# A parameter of the request is invalid. What the message quotes from the request,
# such as a prompt about keys, is ignored.
verdict "request-setting" {
  status = [400, 422]
  code   = "^(?:invalid_(?:value|type|function_parameters|json|image|image_url|base64|tool_call|schema|response_format)|(?:missing_required|unknown|missing|extra|duplicate)_(?:parameter|field|argument)|(?:array|string|integer|number|decimal|object)_(?:above|below)_(?:max|min)[a-z_]*|(?:array|string)_too_(?:long|short)|extra_forbidden|json_parse|image_(?:parse|too_large|too_small|content_policy_format)|previous_response_not_found)$"
  means  = "refused"
}

# A parameter of the request is invalid, recognized by the message.
verdict "request-setting-message" {
  status  = [400, 422]
  message = "(?i)^(?:\\[\\{'type': |we could not parse|unterminated string|(?:failed|unable) to (?:parse|deserialize|decode|unmarshal)|(?:invalid|malformed) (?:json|schema|value|type|body|tool|function|message|base64|image|parameter '|'[a-z_.0-9\\[\\]]+')|json (?:parse|decode|syntax)|expecting value|unexpected token|unknown (?:name|parameter|field)|unsupported (?:value|parameter)|missing required|`(?:max_tokens|temperature|top_p|tool_use|tool_result)`|(?:参数|请求参数|请求体|工具|字段|消息)[^，。:：]{0,40}(?:不合法|不是合法|非法|有误|错误|无效|缺失|不能为空|超长|格式))"
  means   = "refused"
}

# The site could not load a URL in the request.
verdict "request-url" {
  status  = [400, 422]
  message = "(?i)(?:download|fetch|retriev|load)(?:ing|e|ed)? (?:the |this |from |an? )?(?:provided |remote |image |file |media |input )*(?:url|image|file|audio|video|media|content|document|https?:)"
  means   = "refused"
}

# --- The key is not valid -----------------------------------------------------

# Gateways that report a failure of their upstream as an invalid request.
verdict "gateway-upstream-failed" {
  status  = [400, 401, 403, 404, 409, 422]
  message = "(?i)(?:upstream (?:(?:request|service|provider|model|server|api|connection|channel|is|was|has|currently|temporarily) )*(?:failed|failure|unavailable|timed out|timeout|unreachable|disconnected)|failed to get (?:a )?response from (?:the )?provider|^(?:internal (?:server )?error|service (?:is )?(?:temporarily )?unavailable|bad gateway|gateway time-?out)|connection (?:refused|reset by peer)|no such host|i/o timeout|context deadline exceeded|tls handshake timeout|econn(?:refused|reset)|etimedout|model has crashed|failed to call the model service|上游[^，。]{0,12}(?:失败|超时|不可用|异常|封禁|禁用|不足|欠费|无效|过期))"
  means   = "broken"
  scope   = "channel-model"
}

# Gateways whose upstream answered with a page.
verdict "gateway-upstream-page" {
  status  = [401, 403, 404]
  message = "(?i)<(?:!doctype html|html[ >])"
  means   = "broken"
  scope   = "channel-model"
}

# A key that may not be used from this address; other keys of the site may.
verdict "key-address" {
  status  = [401, 403]
  message = "(?i)(?:only from approved ip|\\bip [^ ]{3,45} is not in|ip is not in the allowed|ip (?:address )?(?:[^ ]{3,45} )?(?:is )?not (?:authorized|allowed|in the (?:whitelist|allow ?list))|your ip .* not (?:authorized|allowed)|not on the .{0,24}allow ?list|IP 不在令牌允许访问的列表|IP ?白名单)"
  means   = "invalid_key"
}

# Gemini reports an invalid key with status 400.
verdict "gemini-bad-key" {
  json  = { "error.details.*.reason" = "^API_KEY_(?:INVALID|EXPIRED|SERVICE_BLOCKED|HTTP_REFERRER_BLOCKED|IP_ADDRESS_BLOCKED|ANDROID_APP_BLOCKED|IOS_APP_BLOCKED)$" }
  means = "invalid_key"
}

# Google has suspended the key or its project.
verdict "google-suspended" {
  status  = [400, 401, 403]
  message = "(?i)(?:reported as leaked|consumer .* has been suspended|api key expired|(?:api has not been used in project|api is not enabled|api .* is disabled)|unregistered callers)"
  means   = "invalid_key"
}

# Plans that only certain client programs may use.
verdict "client-restricted" {
  status  = [400, 401, 403, 500, 503]
  message = "(?i)(?:user[- ]agent[^.]{0,20} (?:not allowed|blocked|forbidden)|客户端[^，。]{0,8}(?:不被允许|不允许|受限|被禁止)|appears to have been tampered|请求体疑似被篡改|only (?:authorized|available|allowed|intended) for (?:use with )?(?:claude code|coding agents|official clients|codex)|only (?:accepts|allows) (?:requests from )?(?:claude code|codex|official)|client is not authorized|restricted to (?:claude code|codex|official) clients?|仅(?:限|支持|允许).{0,20}客户端|不支持的客户端)"
  means   = "declined"
}

# Kimi's quota for the billing cycle is used up. The code is that of a deactivated
# account.
verdict "kimi-cycle" {
  status  = [403, 429]
  message = "(?i)usage limit for this billing cycle"
  means   = "quota_spent"
}

# The account of the key is deactivated, recognized by the code.
verdict "account-stopped" {
  status  = [400, 401, 402, 403, 406, 423, 429]
  code    = "(?i)^(?:account_deactivated|account_suspended|account_disabled|organization_restricted|subscriptiondisabled|not_authorized_invalid_project|validation_required|user_banned|user_inactive|access_terminated|consumer_suspended|key_disabled|api_key_disabled|deactivated_workspace|temporarily_suspended)$"
  means   = "invalid_key"
}

# The account of the key is deactivated, recognized by the message.
verdict "account-stopped-message" {
  status  = [400, 401, 403, 406, 423]
  message = "(?i)(?:access (?:has been|is|was) (?:terminated|revoked|suspended)|(?:account|organization|project|user|team|api key|token|subscription) (?:has been|is|was) (?:currently )?(?:deactivated|disabled|suspended|banned|terminated|revoked|blocked|deleted)|user id [^.]{0,60}suspended|^account (?:is )?(?:locked|suspended|disabled|banned|not active|inactive)|token does not meet scope|oauth authentication is currently not allowed|violation of terms of service|project has been denied access|verify your account|current ak has been blocked|(?:用户|账[号户]|组织|租户)[^，。]{0,20}(?:被(?:封禁|禁用|停用|锁定|冻结|限制使用)|已(?:封禁|禁用|停用|锁定|冻结|注销)|存在风险|违规)|(?:请先?|需先?|未)(?:完成|进行)?[^，。]{0,4}实名认证|^请先?登录|(?:用户|账[号户])不存在)"
  means   = "invalid_key"
}

# Moderation blocked the prompt or the answer, recognized by the code. Before the
# rules about keys, since the status is often 403.
verdict "moderation" {
  status = [400, 401, 403, 409, 422, 429, 451, "5xx"]
  code   = "(?i)^(?:content_filter|content_policy_violation|content_policy|content_violation|responsibleaipolicyviolation|moderation_blocked|moderation|sensitive_words_detected|prompt_blocked|invalid_prompt|cyber_policy|cyber_policy_violation|datainspectionfailed|data_inspection_failed|.*sensitivecontentdetected.*|.*riskdetection.*|censorship_blocked|safety|safety_(?:breach|violation|blocked|filter)|prohibited_content|image_generation_user_error|.*(?:text|image|audio|video|input|output|prompt|content)_(?:illegal|sensitive|risk|unsafe|violation|prohibited)(?:_detected)?|.*(?:illegal|sensitive|unsafe)_(?:detected|content|words?)|.*content_(?:filtered|moderation|blocked|rejected))$"
  means  = "declined"
}

# Moderation, recognized by the reasons that OpenRouter lists.
verdict "moderation-reasons" {
  status = [400, 403, 451]
  json   = { "error.metadata.reasons.*" = "." }
  means  = "declined"
}

# Moderation, recognized by the message.
verdict "moderation-message" {
  status  = [400, 401, 403, 409, 422, 424, 429, 446, 451, "5xx"]
  message = "(?i)(?:input was flagged|prompt was flagged|flagged (?:as|for|by) |requires moderation|content (?:management|filtering|safety|usage)? ?policy|content[ _]filter|content moderation|contentpolicyviolation|blocked by moderation|(?:prompt|request|response|output) (?:was |has been )?blocked (?:due to|by) (?:security|content|safety|guardrail|policy)|guardrails? checks?|new_sensitive|violates? (?:our |the |xai |openai's )?(?:usage|content|safety|acceptable use)|usage guidelines|(?:our|acceptable|content) usage polic(?:y|ies)|safety system|content exists risk|inappropriate content|considered high risk|不安全或敏感内容|敏感(?:内容|词|信息)|(?:政治|涉及)[^，。]{0,6}敏感|违禁(?:词|内容)|内容安全|违规内容|内容违规|风险内容|审核(?:不|未|没有)通过|(?:违法|违反)[^，。]{0,6}(?:违规|法规|法律|规定|信息))"
  means   = "declined"
}

# MiniMax reports moderation with status 200.
verdict "minimax-moderation" {
  json  = { "base_resp.status_code" = "^(?:1026|1027)$" }
  means = "declined"
}

# --- Gemini's limits, which it calls quotas -----------------------------------

# Gemini's free tier has no quota at all for this model.
verdict "gemini-no-free-tier" {
  status  = 429
  message = "(?i)free_tier_[a-z_]+, limit: 0\\b"
  means   = "no_access"
  for     = "1h"
}

# Gemini's daily limit; its retry delay is that of the limit per minute.
verdict "gemini-day" {
  status = 429
  json   = { "error.details.*.violations.*.quotaId" = "PerDay" }
  means  = "rate_limited"
  scope  = "key-model"
  for    = "1h"
}

# Gemini's quota, with the time at which it is reset.
verdict "gemini-quota-reset" {
  status = 429
  json   = { "error.details.*.metadata.quotaResetDelay" = "." }
  means  = "rate_limited"
}

# Gemini's limits per minute.
verdict "gemini-limit" {
  status  = 429
  code    = "^RESOURCE_EXHAUSTED$"
  message = "(?i)exceeded your current quota"
  means   = "rate_limited"
}

# --- Gateways that say "saturated" --------------------------------------------

# The gateway is saturated. The error code is about the gateway's own key, often a
# quota or limit.
verdict "gateway-capacity" {
  status  = [400, 402, 403, 429, 500, 503]
  message = "(?i)(?:^overloaded$|servers? (?:is|are) (?:currently |temporarily )?(?:overloaded|busy|at capacity)|receiving too many requests|engine is currently overloaded|upstream rate limit exceeded|\\b(?:load|capacity|upstream|group)\\b[^.]{0,40} saturated|(?:请求|排队|使用|访问)人数(?:过|太)多|负载已经?饱和|(?:系统|服务器?|平台|网关|当前)(?:正|当前|比较|太)?(?:繁忙|过载|拥挤|负载)|(?:系统|平台|服务|升级)维护)"
  means   = "overloaded"
}

# Gateways that have no account available.
verdict "gateway-pool-empty" {
  status  = [400, 401, 403, 404]
  message = "(?i)(?:no (?:available|healthy|active|usable) (?:accounts?|providers?|upstreams?|instances?|workers?|backends?|nodes?|credentials?|(?:channel |upstream )keys?)\\b|(?:暂无|没有|无)可用的?(?:渠道密钥|账[号户]|节点|上游|服务|凭证))"
  means   = "overloaded"
}

# --- Money and quotas ---------------------------------------------------------

# The storage for files is used up, which affects no other requests.
verdict "file-quota" {
  endpoint = "files"
  status   = [400, 403, 413, 429]
  message  = "(?i)(?:file|storage|upload)[a-z ]{0,20} (?:quota|limit|space)"
  means    = "declined"
}

# --- Gateways whose own upstream refused them: not our key --------------------

# Gateways that report an upstream error, recognized by the code.
verdict "gateway-upstream" {
  status = [401, 402, 403, 404, 429]
  code   = "^upstream_error$"
  means  = "broken"
}

# new-api reports the status of its upstream.
verdict "gateway-upstream-status" {
  status = [401, 403, 404, 429]
  code   = "^bad_response_status_code$"
  means  = "broken"
}

# The gateway's own channel is disabled.
verdict "gateway-channel-off" {
  status  = [403, 404]
  message = "(?i)(?:该渠道已被?禁用|(?:本站|网站|平台|服务)已?(?:停止服务|停止运营|停运|关闭|关停|下线)|channel (?:has been|is|was) disabled)"
  means   = "broken"
}

# CLIProxyAPI: all of its accounts for this model are cooling down.
verdict "gateway-model-cooldown" {
  status = [429, 503]
  code   = "^model_cooldown$"
  means  = "rate_limited"
  scope  = "channel-model"
}

# CLIProxyAPI: all of its accounts for this model are cooling down, recognized by
# the message.
verdict "gateway-model-cooldown-message" {
  status  = [429, 503]
  message = "(?i)candidate\\(s\\) for model .* in cooldown"
  means   = "rate_limited"
  scope   = "channel-model"
}

# OpenRouter's provider refused OpenRouter's key, not ours.
verdict "openrouter-provider" {
  status = [401, 402, 403]
  json   = { "error.metadata.raw" = "." }
  means  = "broken"
  scope  = "channel-model"
}

# The provider rate-limits OpenRouter.
verdict "openrouter-provider-limit" {
  status = 429
  json   = { "error.metadata.raw" = "." }
  means  = "rate_limited"
  scope  = "channel-model"
}

# The provider rate-limits OpenRouter, recognized by other fields of the error.
verdict "openrouter-provider-pool" {
  status = 429
  json   = { "error.metadata.limit_source" = "upstream" }
  means  = "rate_limited"
  scope  = "channel-model"
}

# The remaining credit is less than this request might cost.
verdict "openrouter-afford" {
  status  = 402
  message = "(?i)can only afford"
  means   = "declined"
}

# Alibaba Cloud's limit of tokens per minute, which it calls a quota.
verdict "dashscope-token-limit" {
  status  = 429
  message = "(?i)(?:^allocated quota exceeded|error-code#token-limit)"
  means   = "rate_limited"
}

# A balance, quota or budget is used up, recognized by the code.
verdict "quota-code" {
  status = [400, 401, 402, 403, 412, 429, 500]
  code   = "(?i)^(?:insufficient_quota|insufficient_user_quota|insufficient_balance|insufficient_credits|insufficient_funds|billing_hard_limit_reached|billing_not_active|billing_error|billing_disabled|blocked_api_access|exceeded_current_quota_error|quota_exceeded|quota_exhausted|api_key_quota_exhausted|pre_consume_token_quota_failed|credit_balance_too_low|not_enough_balance|arrearage|(?:pre|post)paidbilloverdue|commoditynotpurchased|creditserror|monthlylimiterror|userlimiterror|accountoverdueerror|allocationquota\\.freetieronly|budget_exceeded|.*resourcepackexhausted|personal_balance_exhausted|subscription_expired|subscription_not_found|trial_blocked|customer_verification_required|setlimitexceeded|credits_exhausted|customer_balance_depleted|(?:.*_)?(?:insufficient|low|negative|no|not_enough)_(?:[a-z]+_)?(?:balance|credits?|quota|funds|money|points)|(?:.*_)?(?:balance|credits?|funds|budget|allowance|package|pkg|resource_pack|points)_(?:exhausted|exceeded|insufficient|depleted|not_enough|used_up|empty|overdue)|(?:.*_)?(?:overdue|arrears|in_arrears|payment_required|payment_overdue|unpaid))$"
  means  = "quota_spent"
}

# A balance, quota or budget is used up, recognized by the message.
verdict "quota-message" {
  status  = [400, 401, 402, 403, 412, 429, 500]
  message = "(?i)(?:pre-?consume quota failed|insufficient (?:account |credit |wallet )?(?:balance|quota|credit|fund)|(?:credit|account) balance is (?:too low|insufficient|not enough)|exceeded your current quota|user quota is not enough|token quota is (?:not enough|exhausted)|not enough (?:credits|balance|quota)|(?:out|run out) of credits|overdue (?:account|balance|payment)|in arrears|have no quota|used all available credits|doesn't have any credits|(?:reached|exceeded) (?:its|your|the) (?:set |monthly |specified )?(?:workspace )?(?:spend(?:ing)?|usage|api usage|billing|credit|inference) (?:limit|cap)|subscription quota being exceeded|exhausted its free trial|(?:subscription (?:has )?expired)|subscription is (?:invalid|inactive|not active)|(?:no active|inactive) subscription|need a grok subscription|valid credit card on file|no points left|draw from your extra usage|monthly spending (?:limit|cap)|portkey error: usage limit|hit (?:its|your|the) (?:monthly|spend(?:ing)?|billing|credit|budget) (?:[a-z]+ )?(?:limit|cap)|(?:balance|bill|invoice|payment)s? (?:is|are|was) overdue|(?:balance|credits?|funds|allowance) (?:(?:has|have) been |is |are )?(?:exhausted|depleted|used up)|(?:balance|credits?|funds) (?:has |have )(?:run out|expired)|^open api total request limit reached|spend limit|key limit exceeded|monthly included credits|prepayment credits|requires billing to be enabled|budget has been exceeded|exceeded budget|free allocation|out of call volume quota|trial key, which is limited|(?:daily|weekly|monthly|total) (?:cost|usage|quota|budget|spend) limit (?:reached|exceeded))"
  means   = "quota_spent"
}

# A balance, quota or budget is used up, with a message in Chinese.
verdict "quota-message-zh" {
  status  = [400, 401, 402, 403, 429, 500]
  message = "(?:(?:余额|余量|额度|配额|积分|点数|流量包)[^，。]{0,10}(?:不足|用尽|用完|耗尽|超限|为 ?0|为零)|(?:请|需)先?[^，。]{0,8}充值|欠费|账户已?透支|(?:无|没有|暂无)可用(?:的)?(?:额度|余额|配额|积分)|无可用资源包|资源包(?:已|余)|套餐已?(?:到期|过期|用完|用尽)|预扣费.*失败)"
  means   = "quota_spent"
}

# A balance is used up, with a message in Japanese, Korean, Russian, French,
# German, Spanish and Portuguese.
verdict "quota-languages" {
  status  = [400, 401, 402, 403, 429]
  message = "(?:(?:残高|クレジット|利用枠)[^。]{0,10}(?:不足|ありません)|(?:잔액|크레딧)[^.]{0,8}부족|едостаточно (?:средств|кредитов)|rédits? insuffisant|olde insuffisant|aldo insuficiente|réditos? insuficiente|uthaben (?:reicht nicht|nicht ausreichend|ist aufgebraucht))"
  means   = "quota_spent"
}

# Zhipu, by its codes: no balance, account in arrears, plan expired.
verdict "zhipu-quota" {
  status = [400, 401, 403, 429]
  json   = { "error.code" = "^(?:1112|1113|1309)$" }
  means  = "quota_spent"
}

# MiniMax reports a used-up balance with status 200.
verdict "minimax-quota" {
  json  = { "base_resp.status_code" = "^(?:1008|2056)$" }
  means = "quota_spent"
}

# --- Models -------------------------------------------------------------------

# Gateways whose own upstream key is refused, not ours.
verdict "gateway-upstream-key" {
  status  = [401, 403]
  message = "(?i)litellm\\.(?:AuthenticationError|PermissionDeniedError)"
  means   = "broken"
  scope   = "channel-model"
}

# A stored object that this key, or this site, does not have.
verdict "object-not-found" {
  status  = 404
  message = "(?i)(?:^(?:no )?(?:item|file|response|conversation|thread|run|batch|cached ?content|container|prompt|session|upload|vector store|assistant|image|voice)s?\\b[^.]{0,80} (?:not found|not exist)|no such (?:item|file|response|conversation|thread|batch|container|vector store) |previous response .{0,80}not found)"
  means   = "declined"
}

# A restricted key that may not list models, but may use them.
verdict "models-scope" {
  endpoint = "models"
  status   = [401, 403]
  message  = "(?i)(?:missing scopes?|insufficient permissions)"
  means    = "refused"
}

# The model exists, but not at this endpoint.
verdict "other-endpoint" {
  status  = [400, 404]
  message = "(?i)(?:not a chat model|only supported in v1/|not supported in the v1/)"
  means   = "refused"
}

# Either the model does not exist or this key may not use it: a second key
# decides.
verdict "model-or-access" {
  status     = [400, 401, 403, 404, 503]
  message    = "(?i)(?:incorrect model id.{0,80}permission|does not exist or you do not have access|does not exist or your team .* does not have access|not found or your project does not have access|not found.{0,80} or permission denied|(?:do(?:es)? not|don't|doesn't) exist or (?:you|your) (?:do not|don't|does not|lack)|not found, inaccessible, and/or not deployed|^not found: function .{0,80}not found for account|\\(or it may not exist\\)|不存在或(?:您)?(?:没有|无)(?:访问)?权限)"
  means      = "no_access"
  second_key = "no_model"
}

# This key may not use this model, recognized by the code.
verdict "model-access-code" {
  status = [400, 401, 403, 404, 429]
  code   = "(?i)^(?:model_not_allowed|model_access_denied|.*service_not_open|workspace_access_denied|model_(?:gated|restricted)|key_model_access_denied|team_model_access_denied|model_permission_blocked_(?:org|project)|model\\.accessdenied|accessdenied\\.unpurchased|modelnotopen|usage_not_included|no_model_access|.*accessdisabled|unsupported_value_for_plan)$"
  means  = "no_access"
}

# This key may not use this model, recognized by the message.
verdict "model-access" {
  status  = [400, 401, 403, 404, 500]
  message = "(?i)(?:(?:do(?:es)? not|don't|doesn't|cannot|not authorized to|no|without) (?:have )?(?:access|permission)s? (?:to|for|on) (?:use )?(?:the |this |any (?:of the )?)?(?:requested |specified |following )?models?|not (?:allowed|authorized|permitted|entitled) to (?:access|use|call|invoke) (?:the |this |that )?(?:requested |specified )?models?|not authorized to perform: (?:bedrock|aiplatform|sagemaker)|do not have access to the requested resource|is not authorized to invoke|use case details have not been submitted|does not support the coding plan|model[^.]{0,20} not in (?:the |your )?(?:whitelist|allow ?list)|仅可?用于.{0,20}模型|(?:plan|subscription|tier|package) (?:does not|doesn't) (?:include|support|cover|allow)|requires? (?:usage )?tier|not enrolled in|模型[^，。]{0,10}仅限|仅限[^，。]{0,10}(?:用户|会员)|model requires (?:a |an )?(?:subscription|paid|upgrade)|must be verified to (?:use|stream|generate)|has not activated the model|model access is denied|access to (?:the )?model .*(?:denied|restricted)|does not have permission to use the specified resource|missing scopes?:|not allowed to sample from this model|not allowed to use publisher model|access (?:to )?group |permission to access (?:this |the )?group|group [^ ]{1,40} (?:has been|is) (?:deprecated|disabled|deleted)|only available for verified users|plan (?:does )?not support model|无权访问.{0,40}分组|没有相关功能的授权|无该?模型[^，。]{0,4}权限|^model restricted|not available for this api key|无权使用模型|(?:套餐|计划|订阅|账[号户]|等级|令牌|密钥)[^，。]{0,8}不(?:支持|包含|允许|能)[^，。]{0,8}模型|no permission to access data|appidnoautherror|model service is unavailable.{0,80}activate|subscription plan does not (?:yet )?include|not supported when using .* with a .* account|无权(?:访问|使用)(?:该)?模型|没有(?:访问|使用).{0,40}模型.{0,10}权限|(?:没有权限|无权限?|未开通|未授权)[^，。]{0,10}模型|模型[^，。]{0,20}(?:未开通|无权限?|没有权限|权限不足)|分组[^，。]{0,10}(?:已被?(?:禁用|弃用|停用|删除)|不存在))"
  means   = "no_access"
}

# Bedrock: the account may not use the model yet.
verdict "bedrock-not-allowed" {
  status  = 400
  code    = "^ValidationException$"
  message = "(?i)^operation not allowed\\.?$"
  means   = "no_access"
}

# Zhipu, by its codes: no permission, or not in this plan.
verdict "zhipu-access" {
  status = [400, 403, 429]
  json   = { "error.code" = "^(?:1220|1311)$" }
  means  = "no_access"
}

# A balance or quota is used up, in words that mean a rate limit at other sites.
verdict "quota-words" {
  status  = [401, 402, 403]
  message = "(?i)(?:(?:quota|credits?|balance|budget|funds|allowance) (?:(?:has|have) (?:been )?|is |are |was )?(?:exceeded|exhausted|depleted|used up|run out|insufficient|too low|empty|spent|reached|overdue|negative)|(?:insufficient|not enough|enough|out of|no more|no remaining) (?:[a-z]+ )?(?:quota|credits?|balance|funds)|(?:top up|recharge) your|payment method|trial (?:period )?(?:has )?(?:ended|expired))"
  means   = "quota_spent"
}

# The site does not have this model, recognized by the code.
verdict "no-model-code" {
  status = [400, 403, 404, 410, 422, 429, 500, 503]
  code   = "(?i)^(?:model_not_found|model_not_found_error|model_not_exist|modelnotfound|model_not_available|model_not_supported|invalid_model|invalid_model_id|invalid_model_error|unknown_model|unavailable_model|model_decommissioned|deploymentnotfound|operationnotsupported|model_not_configured|unsupported_model|(?:the_)?model_(?:does_)?not_(?:exists?|found|available|supported|configured|deployed|loaded|registered)|(?:no_such|nonexistent)_model|model_(?:unavailable|missing|offline|disabled|removed|retired|deprecated)|invalidendpoint\\..*)$"
  means  = "no_model"
}

# Anthropic does not have this model.
verdict "anthropic-no-model" {
  status  = 404
  message = "^model: "
  means   = "no_model"
}

# The site does not have this model, recognized by the message.
verdict "no-model-message" {
  status  = [400, 401, 403, 404, 410, 422, 500, 503]
  message = "(?i)(?:models?:? ['\"`]?[^ ]{1,100}['\"`]?,? (?:is )?(?:not found|(?:does|do) not exist|not exist|(?:is )?not supported(?:[.,]|$| by )|is not (?:currently |yet )?(?:available|loaded|deployed|installed|registered|configured|hosted|served)|is not a valid model|has been (?:deprecated|decommissioned|retired|removed))|model (?:does )?not (?:exist|found)|unknown (?:provider for )?model|unsupported model|no such model|(?:cannot|could not|can't|unable to) (?:find|locate|load) (?:the |a )?(?:requested )?model|not a valid model id|invalid model(?: name| id)?(?::| passed| ['\"`]|\\.|$)|llm provider not provided|no matching model|model not support$|models/[^ ]+ is not found|model identifier is invalid|end of (?:its )?life|no endpoints found for|try pulling it first|^model (?:is )?(?:disabled|offline)|no keys? found (?:that|which) supports? model|litellm\\.NotFoundError|^(?:the )?(?:api )?(?:deployment|engine) (?:[^ ]{1,60} )?(?:was |is )?(?:not found|does not exist)|no available channels? for (?:the )?model|no (?:router|route|provider|backend|worker|upstream)s? (?:matched |matches |found |available )?for (?:the )?model|no healthy deployments for this model|on-demand throughput isn't supported|no available accounts?.{0,20} support(?:ing|s)? (?:the |this )?model|模型不存在|不支持的?(?:该|此)?模型|无可用渠道|可用渠道失败|模型.{0,40}(?:不存在|已?下[线架]|未找到|找不到|未上架)|模型(?:名称?|标识)?[^，。]{0,6}(?:错误|无效|不正确)|(?:没有|找不到|未找到)[^，。]{0,6}模型)"
  means   = "no_model"
}

# Zhipu does not have this model, by its code.
verdict "zhipu-no-model" {
  status = [400, 404]
  json   = { "error.code" = "^(?:1211|1212)$" }
  means  = "no_model"
}

# --- Keys that are not valid, in general --------------------------------------

# The gateway has put this key into a group without access to this API.
verdict "gateway-dispatch" {
  status  = 403
  message = "(?i)does not allow /v1/"
  means   = "no_endpoint"
}

# The site says that it does not have this API.
verdict "no-endpoint-message" {
  status  = [400, 403, 404, 500]
  message = "(?i)(?:^(?:this |the )?(?:endpoint|api|route|path|url)(?: [^ ]{1,60})? is not (?:supported|implemented|enabled|available)(?: by| for this (?:provider|channel|account)| on this| here|\\.?$)|^(?:api|接口)[^，。]{0,20}(?:已下线|不存在|未开放|未实现))"
  means   = "no_endpoint"
}

# AWS API Gateway does not have this path.
verdict "aws-no-route" {
  status  = 403
  message = "^Missing Authentication Token$"
  means   = "no_endpoint"
}

# The site does not serve the API version in the path or query.
verdict "api-version" {
  status  = [400, 404]
  message = "(?i)api[ -]version (?:is )?not supported"
  means   = "no_endpoint"
}

# new-api has this API for other models only.
verdict "gateway-not-implemented" {
  status  = 500
  code    = "^convert_request_failed$"
  message = "^not implemented"
  means   = "no_endpoint"
}

# The key is not valid, recognized by the code.
verdict "invalid-key-code" {
  status = [400, 401, 403, 404]
  code   = "(?i)^(?:invalid_api_key|invalidapikey|api_key_invalid|incorrect_api_key|invalid_key|expired_api_key|expired_key|api_key_expired|invalid_token|token_expired|token_invalidated|token_revoked|token_not_found_in_db|invalid_authentication_error|invalid_authentication|invalid_grant|authentication_error|auth_error|authenticationerror|api_key_required|auth(?:entication|orization)?_(?:failed|failure|required)|unauthenticated|unrecognizedclientexception|expiredtokenexception|invalidsignatureexception|invalidaccesskeyid.*|invalidclienttokenid|signaturedoesnotmatch|invalid_issuer|consumer_invalid|access_token_expired|invalid_organization|mismatched_project|invalid_subscription_key|(?:invalid|expired|revoked|missing|disabled)_(?:iam|access|api|auth|bearer|user|client|proxy|virtual)_?(?:token|key)|(?:virtual_key|api_key|access_key|access_token|token|key|jwt)_(?:not_found|invalid|expired|revoked|blocked|missing)|authfailure(?:\\..*)?)$"
  means  = "invalid_key"
}

# The key is not valid, recognized by unambiguous words, even if the error is
# reported as a malformed request.
verdict "invalid-key-request" {
  status  = 400
  message = "(?i)(?:(?:invalid|incorrect|wrong|expired) (?:api[ -]?key|x-api-key)|api[ -]?key(?: provided)? (?:is |was |has )?(?:not valid|not found|invalid|incorrect|expired)|无效的 ?api ?key|密钥[^，。]{0,4}(?:无效|错误|格式))"
  means   = "invalid_key"
}

# The key is not valid, in English or Chinese words.
verdict "invalid-key-message" {
  status  = [401, 403]
  message = "(?i)(?:(?:invalid|incorrect|wrong|expired|malformed|unknown|missing) (?:or (?:missing|expired|inactive) )?(?:proxy (?:server )?)?(?:api[ -]?key|api[ -]?token|access token|auth(?:entication|orization)? token|bearer token|token|credentials?|authentication|subscription key|x-api-key)|(?:api[ -]?key|api[ -]?token|access token|token|x-api-key|subscription key)(?: provided| you provided)? (?:is |was |has )?(?:not valid|invalid|incorrect|expired|not found|revoked|does not exist)|no (?:cookie )?auth credentials found|no api key found|virtual key not found|iam certification failed|(?:no|missing|without) (?:valid )?(?:api[ -]?key|access token|token|credentials?|authorization(?: header)?) (?:was |were |is )?(?:provided|supplied|specified|given|found|set|present)|(?:didn't|did not) provide an api[ -]?key|(?:api[ -]?key|access token|credentials?|authorization header)(?: you provided)? (?:is|was|were|are) (?:required|missing|not (?:provided|supplied|specified|set|present|authorized|active))|credentials? (?:were |was )?not provided|^(?:this |the )?token (?:(?:is|was) )?(?:required|missing|not provided|cannot be empty|status is unavailable)|access token could not be validated|authorization header format|(?:api[ -]?key|token|jwt|credentials?|signature)(?: provided| you provided)? (?:(?:has|have|is|was|are) )?(?:been )?(?:expired|invalidated|revoked|deactivated)|signature cannot be verified|signature verification failed|(?:not a member of|not in) (?:the|this|any) organization|could not (?:parse|validate|verify) (?:your )?(?:authentication |auth )?(?:token|credentials)|bearer token included in the request is (?:invalid|expired)|authorization token is illegal|bad credentials|authentication failed, please|request signature we calculated does not match|未提供令牌|user not found|invalid username or password|api key not found|access denied due to invalid subscription key|access token is missing, invalid|security token included in the request is (?:invalid|expired)|无效的(?:令牌|密钥|api|key)|令牌(?:无效|已过期|状态不可用|不存在|已?被?禁用)|(?:身份验证|鉴权|认证)失败|must be a member of an organization|valid issuer|lacks the required data action|permission is required to access this endpoint|登录(?:状态)?已?(?:过期|失效)|(?:缺少|未提供|没有提供|未携带|请提供)[^，。]{0,8}(?:令牌|密钥|秘钥|凭证|api ?key)|无效的[^，。]{0,6}(?:令牌|密钥|凭证|token|key)|签名(?:错误|不匹配|校验失败|验证失败|无效)|(?:令牌|密钥|秘钥|凭证|token|api ?key)[^，。]{0,10}(?:无效|错误|不正确|不存在|不合法|非法|过期|失效|未激活|被?(?:禁用|删除|冻结|停用|封禁|吊销|撤销|注销)))"
  means   = "invalid_key"
}

# The key is not valid, in Japanese, Korean, Russian, French, German, Spanish and
# Portuguese.
verdict "invalid-key-languages" {
  status  = [401, 403]
  message = "(?:API ?キー[^。]{0,16}(?:无効|正しくありません)|API ?키[^.]{0,16}(?:유효하지|잘못)|(?:еверный|едействительный) (?:API|ключ|токен)|lé (?:d['’])?API[^.]{0,20}(?:invalide|incorrecte)|(?:ngültiger|alscher) API|(?:lave|have)(?: de)?(?: la)? API[^.]{0,20}(?:nválida|nvalida|ncorre))"
  means   = "invalid_key"
}

# An invalid OAuth token, recognized by the WWW-Authenticate header.
verdict "invalid-key-header" {
  status = 401
  header = { "Www-Authenticate" = "(?i)error=\"?invalid_token" }
  means  = "invalid_key"
}

# Zhipu: the key is not valid, by its code.
verdict "zhipu-key" {
  status  = [401, 403, 429]
  json    = { "error.code" = "^(?:1000|1001|1002|1003|1004|1110|1111|1120|1121)$" }
  message = "(?i)(?:auth|token|account|身份|账[户号]|令牌)"
  means   = "invalid_key"
}

# MiniMax reports an invalid key with status 200.
verdict "minimax-key" {
  json  = { "base_resp.status_code" = "^(?:1004|2049)$" }
  means = "invalid_key"
}

# --- Limits -------------------------------------------------------------------

# A single request that exceeds the limit per minute, so waiting does not help.
verdict "request-over-limit" {
  status  = [400, 403, 429]
  message = "(?i)(?:request too large for|(?:extra usage is|usage credits are) required for|long context beta is not)"
  means   = "declined"
}

# The site's capacity is used up, which is not a limit of the key.
verdict "capacity-code" {
  status = [400, 403, 429, "5xx"]
  code   = "(?i)^(?:overloaded_error|overloaded|server_is_overloaded|server_overloaded|serveroverloaded|engine_overloaded|engine_overloaded_error|slow_down|model_overloaded|modelnotreadyexception|preemptible_rate_limit_exceeded|modelloadingerror|capacity_exceeded|server_busy)$"
  means  = "overloaded"
}

# The capacity that Vertex AI shares among all customers is used up.
verdict "vertex-capacity" {
  status  = 429
  message = "(?i)(?:refer to https://cloud\\.google\\.com/vertex-ai/.*error-code-429|temporarily out of capacity)"
  means   = "overloaded"
  scope   = "channel-model"
}

# One model is overloaded or still loading.
verdict "model-capacity" {
  status  = [400, 429, 498, 503]
  message = "(?i)(?:rate limited by (?:the )?provider|capacity (?:temporarily )?exceeded|over capacity|model (?:is )?(?:currently |temporarily )?(?:overloaded|loading|busy|at (?:maximum )?capacity)|at maximum capacity|tier capacity exceeded|currently loading|loading model|no deployments available for selected model|no capacity available for model|high demand|experiencing high (?:traffic|load)|该模型当前访问量过大|模型(?:当前|正在)?(?:负载|过载|繁忙|维护))"
  means   = "overloaded"
  scope   = "channel-model"
  after   = ["estimated_time", "error.estimated_time"]
}

# Zhipu, by its code: too many requests for this model from all customers.
verdict "zhipu-capacity" {
  status = [429, 500, 503]
  json   = { "error.code" = "^(?:1305|1312)$" }
  means  = "overloaded"
  scope  = "channel-model"
}

# OpenCode's limit for free models.
verdict "opencode-free" {
  status = 429
  code   = "^FreeUsageLimitError$"
  means  = "rate_limited"
  scope  = "key-model"
}

# Rate limits with a status other than 429, recognized by the code.
verdict "rate-limit-code" {
  status = [400, 403, 500, 503]
  code   = "(?i)^(?:rate_limit_exceeded|rate_limit_error|ratelimitexceeded|userratelimitexceeded|throttlingexception|throttling(?:\\..*)?|too_many_requests|requestlimitexceeded|(?:upstream_)?rate_?limit(?:ed|s)?|rate_limit_(?:reached|exceeded)|(?:.*_)?(?:qps|rpm|tpm|concurrency)_(?:over_?flow|limit|exceeded|limit_exceeded))$"
  means  = "rate_limited"
}

# Rate limits with a status other than 429, recognized by the message.
verdict "rate-limit-message" {
  status  = [400, 403, 500]
  message = "(?i)(?:rate limit (?:exceeded|reached)|request limit reached|reached your (?:[a-z]+ )?usage limit|too many requests|being rate[ -]limited|appidqpsoverflow|(?:concurren(?:t|cy)|qps|rpm|tpm|qpm)(?: requests?)? limit|open api (?:daily |qps )?request limit reached|rate growth limit|(?:并发|用量)[^，。]{0,8}(?:超过|超出|超限|上限|过高|过多|受限)|请求(?:过于|太|过)频繁|(?:请求|调用|访问)(?:频率|次数|速率)[^，。]{0,6}(?:超限|超过|超出|过高|上限|受限)|触发[^，。]{0,6}限流|(?:频率|速度)(?:过|太)快|(?:超出|超过|达到)[^，。]{0,4}(?:秒|分钟|小时|日|天)[^，。]{0,10}(?:限制|上限|限额))"
  means   = "rate_limited"
}

# MiniMax reports a rate limit with status 200.
verdict "minimax-rate" {
  json  = { "base_resp.status_code" = "^(?:1002|1039|1041)$" }
  means = "rate_limited"
}

# A temporary usage limit, reported with status 402.
verdict "usage-limit-402" {
  status  = 402
  message = "(?i)(?:(?:usage|rate|session|hour) limit|too many requests|try again in|retry after|resets? (?:in|at))"
  means   = "rate_limited"
}

# OpenRouter has the model, but no endpoint that meets the request's requirements.
verdict "openrouter-no-provider" {
  status  = 404
  message = "(?i)no (?:endpoints|allowed providers) (?:found that|found matching|are available|available)"
  means   = "declined"
}

# --- The request --------------------------------------------------------------

# The prompt is too long for the model, with any status.
verdict "context-length" {
  status = [403, 404, 429, "5xx"]
  code   = "(?i)^(?:context_length_exceeded|string_above_max_length|prompt_too_long|context_window_exceeded)$"
  means  = "refused"
}

# The prompt is too long for the model, recognized by the message.
verdict "context-length-message" {
  status  = [403, 404, 429, "5xx"]
  message = "(?i)(?:maximum context length|prompt is too long|context length exceeded|exceeds the available context size|exceeds? (?:the )?(?:model's )?(?:maximum )?context (?:length|window)|input token count.{0,40}exceeds|max input characters|(?:输入|内容|文本|上下文|prompt)[^，。]{0,6}(?:过长|太长|超长)|字数(?:太多|过多)|^invalid params?\\b|invisible characters)"
  means   = "refused"
}

# nginx rejects headers that are too large before the request reaches the site.
verdict "nginx-header-too-large" {
  status       = 400
  content_type = "text/html"
  message      = "(?i)request header or cookie too large"
  means        = "too_large"
}

# The request body is too large for the site, with any status.
verdict "body-too-large" {
  status  = [400, 403, 500]
  message = "(?i)(?:(?:request (?:body|entity|payload)|payload|body) (?:is )?too large|请求体过大)"
  means   = "too_large"
}

# The channel's target has http://, but the site expects https.
verdict "nginx-plain-http" {
  status       = 400
  content_type = "text/html"
  message      = "(?i)plain http request was sent to https port"
  means        = "broken"
}

# ngrok: the site is offline.
verdict "no-such-tunnel" {
  header = { "Ngrok-Error-Code" = "^ERR_NGROK_" }
  means  = "broken"
}

# There is no longer a site at this host name.
verdict "no-such-site" {
  content_type = "text/html"
  message      = "(?i)^(?:没有找到站点|站点(?:已)?(?:停用|关闭|暂停|不存在)|网站(?:已)?(?:关闭|暂停|到期|过期)|(?:web)?site not found|account suspended|domain (?:has )?expired)"
  means        = "broken"
}
