// English: what the built-in strategies, key selectors and health checkers do, exactly as they say it.

export const components = {
  'said.docPriority': 'Sends every request to the available channel with the highest weight.',
  'said.docLowestLatency': 'Prefers the channel that answers fastest, by a moving average of the time to the first byte.',
  'said.docSticky': 'Keeps a conversation on one channel, so that it benefits from the site\'s prompt cache.',
  'said.docKeysInTurn': 'Uses the keys in turn, whatever their weight.',
  'said.docHTTP': 'Sends the channel a request, by default for its list of models, which costs nothing.',
  'said.docInTurn': 'Gives the channels one request each in turn, whatever their weight.',
  'said.docWeighted': 'Distributes the requests in proportion to the channels\' weights, evenly mixed.',
  'said.docLeastBusy': 'Sends each request to the channel with the fewest requests in flight for its weight.',
  'said.docRandom': 'Picks a key at random, each with the same probability.',
  'said.docKeysWeighted': 'Distributes the requests in proportion to the keys\' weights, evenly mixed.',
  'said.docSequential': 'Uses the first key until it fails, then the second, and so on.',
  'said.docLeastUsed': 'Uses the keys so that each gets the same number of requests in total.',
  'said.docCompletion': 'Sends a model a short prompt. This tests the channel end to end, and costs a few tokens each time.',
  'said.processSignal': 'signal: {signal}',
  'said.processExit': 'exit status {code}',
};
