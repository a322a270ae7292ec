BEGIN TRANSACTION;
CREATE TABLE requests (
	seq                INTEGER PRIMARY KEY,
	time               INTEGER NOT NULL, -- of arrival
	id                 TEXT    NOT NULL,
	client             TEXT    NOT NULL,
	entry              TEXT    NOT NULL,
	method             TEXT    NOT NULL,
	path               TEXT    NOT NULL,
	dialect            TEXT    NOT NULL,
	endpoint           TEXT    NOT NULL,
	model              TEXT    NOT NULL, -- asked for
	sent               TEXT    NOT NULL, -- to the channel, where it is another one
	route              TEXT    NOT NULL,
	channel            TEXT    NOT NULL,
	key                TEXT    NOT NULL,
	egress             TEXT    NOT NULL,
	status             INTEGER NOT NULL,
	verdict            TEXT    NOT NULL,
	error              TEXT    NOT NULL, -- a code
	failed             INTEGER NOT NULL,
	stream             INTEGER NOT NULL,
	ttfb               INTEGER NOT NULL,
	total              INTEGER NOT NULL,
	attempts           INTEGER NOT NULL,
	bytes_in           INTEGER NOT NULL,
	bytes_out          INTEGER NOT NULL,
	tokens_in          INTEGER NOT NULL,
	tokens_out         INTEGER NOT NULL,
	tokens_cache_read  INTEGER NOT NULL,
	tokens_cache_write INTEGER NOT NULL,
	tokens_reasoning   INTEGER NOT NULL,
	cost               INTEGER,
	currency           TEXT    NOT NULL
);
INSERT INTO requests VALUES(1,1772386342155,'req_0000000000000000','openclaw','','POST','/v1/chat/completions','openai','generate','gpt-5-mini','','/**','primary','primary-1','',200,'good','',0,0,215087,430175,1,10,20,9186,2647,4593,918,882,94099798,'CNY');
INSERT INTO requests VALUES(2,1772399524723,'req_0000000000000001','openclaw','','POST','/v1/chat/completions','openai','generate','claude-sonnet-4-5','','/**','primary','primary-1','',502,'broken','channel_unavailable',1,0,618469,1236938,1,10,20,0,0,0,0,0,NULL,'');
INSERT INTO requests VALUES(3,1772415472050,'req_0000000000000002','anonymous','','POST','/v1/chat/completions','openai','generate','gemini-2.5-pro','','/**','primary','primary-1','',200,'good','',0,0,950063,1900126,1,10,20,2669,2527,1334,266,842,94349649,'USD');
INSERT INTO requests VALUES(4,1772438607861,'req_0000000000000003','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5','','/**','spare','spare-3','',200,'good','',0,0,877561,1755122,1,10,20,27413,1630,13706,2741,543,78306615,'USD');
INSERT INTO requests VALUES(5,1772457642810,'req_0000000000000004','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5-mini','','/**','backup','backup-3','',200,'good','',0,0,116077,232154,1,10,20,8198,1174,4099,819,391,10883765,'USD');
INSERT INTO requests VALUES(6,1772472144660,'req_0000000000000005','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5','','/**','primary','primary-1','',200,'good','',0,0,3372506,6745013,1,10,20,15233,1582,7616,1523,527,NULL,'');
INSERT INTO requests VALUES(7,1772472479126,'req_0000000000000006','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5','','/**','primary','primary-1','',200,'good','',0,0,1421288,2842576,2,10,20,24141,3750,12070,2414,1250,57123918,'USD');
INSERT INTO requests VALUES(8,1772498252568,'req_0000000000000007','openclaw','','POST','/v1/chat/completions','openai','generate','gpt-5','','/**','primary','primary-1','',200,'good','',0,0,1300035,2600071,1,10,20,47648,2666,23824,4764,888,45648125,'CNY');
INSERT INTO requests VALUES(9,1772512230101,'req_0000000000000008','anonymous','','POST','/v1/chat/completions','openai','generate','claude-sonnet-4-5','','/**','primary','primary-1','',200,'good','',0,0,334215,668430,1,10,20,37632,3776,18816,3763,1258,NULL,'');
INSERT INTO requests VALUES(10,1772535521847,'req_0000000000000009','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5','','/**','primary','primary-1','',200,'good','',0,0,504854,1009708,1,10,20,6649,1766,3324,664,588,94559714,'USD');
INSERT INTO requests VALUES(11,1772545475036,'req_0000000000000010','laptop','','POST','/v1/chat/completions','openai','generate','text-embedding-3-large','','/**','primary','primary-1','',200,'good','',0,0,892923,1785847,1,10,20,49062,394,24531,4906,131,63626877,'USD');
INSERT INTO requests VALUES(12,1772564671969,'req_0000000000000011','openclaw','','POST','/v1/chat/completions','openai','generate','gemini-2.5-pro','','/**','primary','primary-1','',200,'good','',0,0,348370,696740,1,10,20,44588,2527,22294,4458,842,NULL,'');
INSERT INTO requests VALUES(13,1772578625693,'req_0000000000000012','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5-mini','','/**','primary','primary-1','',200,'good','',0,0,40937,81874,1,10,20,36389,811,18194,3638,270,51544804,'USD');
INSERT INTO requests VALUES(14,1772585212125,'req_0000000000000013','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5-mini','','/**','primary','primary-1','',200,'good','',0,0,2225189,4450379,1,10,20,7356,1057,3678,735,352,9622380,'USD');
INSERT INTO requests VALUES(15,1772603483805,'req_0000000000000014','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5','','/**','primary','primary-1','',200,'good','',0,0,1063913,2127826,1,10,20,39262,2354,19631,3926,784,73566435,'USD');
INSERT INTO requests VALUES(16,1772620473420,'req_0000000000000015','anonymous','','POST','/v1/chat/completions','openai','generate','claude-sonnet-4-5','','/**','primary','primary-1','',200,'good','',0,0,1503579,3007158,1,10,20,32165,805,16082,3216,268,47140122,'CNY');
INSERT INTO requests VALUES(17,1772621548813,'req_0000000000000016','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5','','/**','primary','primary-1','',200,'good','',0,0,3609473,7218947,1,10,20,12086,1947,6043,1208,649,7458285,'CNY');
INSERT INTO requests VALUES(18,1772640632143,'req_0000000000000017','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5-mini','','/**','primary','primary-2','',200,'good','',0,0,426643,853287,1,10,20,18380,557,9190,1838,185,7762050,'USD');
INSERT INTO requests VALUES(19,1772662854506,'req_0000000000000018','anonymous','','POST','/v1/chat/completions','openai','generate','gpt-5','','/**','spare','spare-1','',200,'good','',0,0,1337774,2675549,1,10,20,39627,1881,19813,3962,627,88317986,'CNY');
INSERT INTO requests VALUES(20,1772670698709,'req_0000000000000019','openclaw','','POST','/v1/chat/completions','openai','generate','claude-sonnet-4-5','','/**','backup','backup-1','',200,'good','',0,0,431148,862296,1,10,20,5438,2372,2719,543,790,17654338,'USD');
CREATE TABLE attempts (
	request INTEGER NOT NULL,
	n       INTEGER NOT NULL, -- from 1
	channel TEXT    NOT NULL,
	key     TEXT    NOT NULL,
	sent    TEXT    NOT NULL,
	status  INTEGER NOT NULL,
	verdict TEXT    NOT NULL, -- what it is about
	means   TEXT    NOT NULL,
	rule    TEXT    NOT NULL,
	egress  TEXT    NOT NULL,
	wait    INTEGER NOT NULL,
	ttfb    INTEGER NOT NULL,
	total   INTEGER NOT NULL,
	undecided INTEGER NOT NULL, -- it failed after all was delivered
	PRIMARY KEY (request, n)
) WITHOUT ROWID;
INSERT INTO attempts VALUES(1,1,'primary','primary-1','',200,'ok','good','','',0,215087,430175,0);
INSERT INTO attempts VALUES(2,1,'primary','primary-1','',200,'channel','broken','','',0,618469,1236938,0);
INSERT INTO attempts VALUES(3,1,'primary','primary-1','',200,'ok','good','','',0,950063,1900126,0);
INSERT INTO attempts VALUES(4,1,'spare','spare-3','',200,'ok','good','','',0,877561,1755122,0);
INSERT INTO attempts VALUES(5,1,'backup','backup-3','',200,'ok','good','','',0,116077,232154,0);
INSERT INTO attempts VALUES(6,1,'primary','primary-1','',200,'ok','good','','',0,3372506,6745013,0);
INSERT INTO attempts VALUES(7,1,'primary','primary-1','',502,'channel','broken','','',0,0,5000,0);
INSERT INTO attempts VALUES(7,2,'primary','primary-1','',200,'ok','good','','',0,1421288,2842576,0);
INSERT INTO attempts VALUES(8,1,'primary','primary-1','',200,'ok','good','','',0,1300035,2600071,0);
INSERT INTO attempts VALUES(9,1,'primary','primary-1','',200,'ok','good','','',0,334215,668430,0);
INSERT INTO attempts VALUES(10,1,'primary','primary-1','',200,'ok','good','','',0,504854,1009708,0);
INSERT INTO attempts VALUES(11,1,'primary','primary-1','',200,'ok','good','','',0,892923,1785847,0);
INSERT INTO attempts VALUES(12,1,'primary','primary-1','',200,'ok','good','','',0,348370,696740,0);
INSERT INTO attempts VALUES(13,1,'primary','primary-1','',200,'ok','good','','',0,40937,81874,0);
INSERT INTO attempts VALUES(14,1,'primary','primary-1','',200,'ok','good','','',0,2225189,4450379,0);
INSERT INTO attempts VALUES(15,1,'primary','primary-1','',200,'ok','good','','',0,1063913,2127826,0);
INSERT INTO attempts VALUES(16,1,'primary','primary-1','',200,'ok','good','','',0,1503579,3007158,0);
INSERT INTO attempts VALUES(17,1,'primary','primary-1','',200,'ok','good','','',0,3609473,7218947,0);
INSERT INTO attempts VALUES(18,1,'primary','primary-2','',200,'ok','good','','',0,426643,853287,0);
INSERT INTO attempts VALUES(19,1,'spare','spare-1','',200,'ok','good','','',0,1337774,2675549,0);
INSERT INTO attempts VALUES(20,1,'backup','backup-1','',200,'ok','good','','',0,431148,862296,0);
CREATE TABLE hourly (
	time INTEGER NOT NULL,
	currency TEXT NOT NULL,
	model TEXT NOT NULL,
	channel TEXT NOT NULL,
	key TEXT NOT NULL,
	client TEXT NOT NULL,
	requests INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	retries INTEGER NOT NULL,
	tokens_in INTEGER NOT NULL,
	tokens_out INTEGER NOT NULL,
	tokens_cache_read INTEGER NOT NULL,
	tokens_cache_write INTEGER NOT NULL,
	tokens_reasoning INTEGER NOT NULL,
	cost INTEGER NOT NULL,
	unpriced INTEGER NOT NULL,
	ttfb INTEGER NOT NULL,
	ttfb_0 INTEGER NOT NULL,
	ttfb_1 INTEGER NOT NULL,
	ttfb_2 INTEGER NOT NULL,
	ttfb_3 INTEGER NOT NULL,
	ttfb_4 INTEGER NOT NULL,
	ttfb_5 INTEGER NOT NULL,
	ttfb_6 INTEGER NOT NULL,
	ttfb_7 INTEGER NOT NULL,
	ttfb_8 INTEGER NOT NULL,
	ttfb_9 INTEGER NOT NULL,
	ttfb_10 INTEGER NOT NULL,
	ttfb_11 INTEGER NOT NULL,
	ttfb_12 INTEGER NOT NULL,
	ttfb_13 INTEGER NOT NULL,
	ttfb_14 INTEGER NOT NULL,
	ttfb_15 INTEGER NOT NULL,
	ttfb_16 INTEGER NOT NULL,
	ttfb_17 INTEGER NOT NULL,
	ttfb_18 INTEGER NOT NULL,
	ttfb_19 INTEGER NOT NULL,
	PRIMARY KEY (time, currency, model, channel, key, client)
) WITHOUT ROWID;
INSERT INTO hourly VALUES(1772384400000,'CNY','gpt-5-mini','primary','primary-1','openclaw',1,0,0,9186,2647,4593,918,882,94099798,0,215087,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772398800000,'','claude-sonnet-4-5','primary','primary-1','openclaw',1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772413200000,'USD','gemini-2.5-pro','primary','primary-1','anonymous',1,0,0,2669,2527,1334,266,842,94349649,0,950063,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772438400000,'USD','gpt-5','spare','spare-3','anonymous',1,0,0,27413,1630,13706,2741,543,78306615,0,877561,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772456400000,'USD','gpt-5-mini','backup','backup-3','anonymous',1,0,0,8198,1174,4099,819,391,10883765,0,116077,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772470800000,'','gpt-5','primary','primary-1','anonymous',1,0,0,15233,1582,7616,1523,527,0,1,3372506,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772470800000,'USD','gpt-5','primary','primary-1','anonymous',1,0,1,24141,3750,12070,2414,1250,57123918,0,1421288,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772496000000,'CNY','gpt-5','primary','primary-1','openclaw',1,0,0,47648,2666,23824,4764,888,45648125,0,1300035,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772510400000,'','claude-sonnet-4-5','primary','primary-1','anonymous',1,0,0,37632,3776,18816,3763,1258,0,1,334215,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772532000000,'USD','gpt-5','primary','primary-1','anonymous',1,0,0,6649,1766,3324,664,588,94559714,0,504854,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772542800000,'USD','text-embedding-3-large','primary','primary-1','laptop',1,0,0,49062,394,24531,4906,131,63626877,0,892923,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772564400000,'','gemini-2.5-pro','primary','primary-1','openclaw',1,0,0,44588,2527,22294,4458,842,0,1,348370,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772575200000,'USD','gpt-5-mini','primary','primary-1','anonymous',1,0,0,36389,811,18194,3638,270,51544804,0,40937,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772582400000,'USD','gpt-5-mini','primary','primary-1','anonymous',1,0,0,7356,1057,3678,735,352,9622380,0,2225189,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772600400000,'USD','gpt-5','primary','primary-1','anonymous',1,0,0,39262,2354,19631,3926,784,73566435,0,1063913,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772618400000,'CNY','claude-sonnet-4-5','primary','primary-1','anonymous',1,0,0,32165,805,16082,3216,268,47140122,0,1503579,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772618400000,'CNY','gpt-5','primary','primary-1','anonymous',1,0,0,12086,1947,6043,1208,649,7458285,0,3609473,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772640000000,'USD','gpt-5-mini','primary','primary-2','anonymous',1,0,0,18380,557,9190,1838,185,7762050,0,426643,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772661600000,'CNY','gpt-5','spare','spare-1','anonymous',1,0,0,39627,1881,19813,3962,627,88317986,0,1337774,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO hourly VALUES(1772668800000,'USD','claude-sonnet-4-5','backup','backup-1','openclaw',1,0,0,5438,2372,2719,543,790,17654338,0,431148,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
CREATE TABLE daily (
	day INTEGER NOT NULL,
	currency TEXT NOT NULL,
	model TEXT NOT NULL,
	channel TEXT NOT NULL,
	key TEXT NOT NULL,
	client TEXT NOT NULL,
	requests INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	retries INTEGER NOT NULL,
	tokens_in INTEGER NOT NULL,
	tokens_out INTEGER NOT NULL,
	tokens_cache_read INTEGER NOT NULL,
	tokens_cache_write INTEGER NOT NULL,
	tokens_reasoning INTEGER NOT NULL,
	cost INTEGER NOT NULL,
	unpriced INTEGER NOT NULL,
	ttfb INTEGER NOT NULL,
	ttfb_0 INTEGER NOT NULL,
	ttfb_1 INTEGER NOT NULL,
	ttfb_2 INTEGER NOT NULL,
	ttfb_3 INTEGER NOT NULL,
	ttfb_4 INTEGER NOT NULL,
	ttfb_5 INTEGER NOT NULL,
	ttfb_6 INTEGER NOT NULL,
	ttfb_7 INTEGER NOT NULL,
	ttfb_8 INTEGER NOT NULL,
	ttfb_9 INTEGER NOT NULL,
	ttfb_10 INTEGER NOT NULL,
	ttfb_11 INTEGER NOT NULL,
	ttfb_12 INTEGER NOT NULL,
	ttfb_13 INTEGER NOT NULL,
	ttfb_14 INTEGER NOT NULL,
	ttfb_15 INTEGER NOT NULL,
	ttfb_16 INTEGER NOT NULL,
	ttfb_17 INTEGER NOT NULL,
	ttfb_18 INTEGER NOT NULL,
	ttfb_19 INTEGER NOT NULL,
	PRIMARY KEY (day, currency, model, channel, key, client)
) WITHOUT ROWID;
INSERT INTO daily VALUES(20260301,'CNY','gpt-5-mini','primary','primary-1','openclaw',1,0,0,9186,2647,4593,918,882,94099798,0,215087,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260302,'','claude-sonnet-4-5','primary','primary-1','openclaw',1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260302,'','gpt-5','primary','primary-1','anonymous',1,0,0,15233,1582,7616,1523,527,0,1,3372506,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260302,'USD','gemini-2.5-pro','primary','primary-1','anonymous',1,0,0,2669,2527,1334,266,842,94349649,0,950063,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260302,'USD','gpt-5','primary','primary-1','anonymous',1,0,1,24141,3750,12070,2414,1250,57123918,0,1421288,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260302,'USD','gpt-5','spare','spare-3','anonymous',1,0,0,27413,1630,13706,2741,543,78306615,0,877561,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260302,'USD','gpt-5-mini','backup','backup-3','anonymous',1,0,0,8198,1174,4099,819,391,10883765,0,116077,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260303,'','claude-sonnet-4-5','primary','primary-1','anonymous',1,0,0,37632,3776,18816,3763,1258,0,1,334215,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260303,'CNY','gpt-5','primary','primary-1','openclaw',1,0,0,47648,2666,23824,4764,888,45648125,0,1300035,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260303,'USD','gpt-5','primary','primary-1','anonymous',1,0,0,6649,1766,3324,664,588,94559714,0,504854,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260303,'USD','text-embedding-3-large','primary','primary-1','laptop',1,0,0,49062,394,24531,4906,131,63626877,0,892923,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260304,'','gemini-2.5-pro','primary','primary-1','openclaw',1,0,0,44588,2527,22294,4458,842,0,1,348370,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260304,'CNY','claude-sonnet-4-5','primary','primary-1','anonymous',1,0,0,32165,805,16082,3216,268,47140122,0,1503579,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260304,'CNY','gpt-5','primary','primary-1','anonymous',1,0,0,12086,1947,6043,1208,649,7458285,0,3609473,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260304,'USD','gpt-5','primary','primary-1','anonymous',1,0,0,39262,2354,19631,3926,784,73566435,0,1063913,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260304,'USD','gpt-5-mini','primary','primary-1','anonymous',2,0,0,43745,1868,21872,4373,622,61167184,0,2266126,0,0,0,1,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260304,'USD','gpt-5-mini','primary','primary-2','anonymous',1,0,0,18380,557,9190,1838,185,7762050,0,426643,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260305,'CNY','gpt-5','spare','spare-1','anonymous',1,0,0,39627,1881,19813,3962,627,88317986,0,1337774,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0);
INSERT INTO daily VALUES(20260305,'USD','claude-sonnet-4-5','backup','backup-1','openclaw',1,0,0,5438,2372,2719,543,790,17654338,0,431148,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0);
CREATE INDEX requests_time    ON requests (time);
CREATE INDEX requests_id      ON requests (id);
CREATE INDEX requests_model   ON requests (model, time);
CREATE INDEX requests_channel ON requests (channel, time);
CREATE INDEX requests_key     ON requests (key, time);
CREATE INDEX requests_client  ON requests (client, time);
CREATE INDEX requests_failed  ON requests (time) WHERE failed;
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 1634301038;
