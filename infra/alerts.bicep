// What wakes a person: queries on the metrics of shared/telemetry.py. docs/operations.md says what to do for each.
param location string
param tags object
param insightsId string
param email string
param connectionNames array

// window: how much telemetry a query sees; every: how often it is asked. ISO 8601 durations.
var rules = {
  'documents-failed': {
    description: 'A document failed, or a message was poisoned.'
    severity: 1
    every: 'PT15M'
    window: 'PT15M'
    query: '''
      customMetrics
      | where (name == 'connector.documents' and tostring(customDimensions['state']) == 'failed') or name == 'connector.buried'
      | summarize total = sum(valueSum)
      | where total > 0
    '''
  }
  'queue-too-old': {
    description: 'A document has been due for more than 30 minutes and nobody works on it.'
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
    query: '''
      customMetrics
      | where name == 'connector.queue.age' and tostring(customDimensions['queue']) == 'posted-documents'
      | summarize oldest = max(valueMax)
      | where oldest > 1800
    '''
  }
  'no-successful-poll': {
    description: 'An F&O environment has not been read to the end for 30 minutes.'
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    query: '''
      print connection = dynamic(CONNECTION_NAMES)
      | mv-expand connection to typeof(string)
      | join kind=leftouter (
          customMetrics
          | where name == 'connector.polls' and tostring(customDimensions['function']) == 'poll_posted_invoices'
          | where tobool(customDimensions['complete'])
          | summarize polls = sum(valueSum) by connection = tostring(customDimensions['connection'])
        ) on connection
      | where coalesce(polls, 0.0) == 0
      | project connection
    '''
  }
  'held-too-long': {
    description: 'A document has been held for more than 3 days; measured by the nightly sweep.'
    severity: 3
    every: 'P1D'
    window: 'P1D'
    query: '''
      customMetrics
      | where name == 'connector.held.age'
      | summarize oldest = max(valueMax) by company = tostring(customDimensions['company'])
      | where oldest > 259200
    '''
  }
  'connection-paused': {
    description: 'An F&O environment or a TaxJar account has been paused at every poll of the last 30 minutes.'
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    query: '''
      customMetrics
      | where name == 'connector.paused'
      | summarize paused = min(valueMin) by side = tostring(customDimensions['side']), connection = tostring(customDimensions['connection'])
      | where paused > 0
    '''
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-connector'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'connector'
    emailReceivers: [
      { name: 'operators', emailAddress: email, useCommonAlertSchema: true }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in items(rules): {
  name: 'alert-${rule.key}'
  location: location
  tags: tags
  properties: {
    description: rule.value.description
    severity: rule.value.severity
    enabled: true
    scopes: [insightsId]
    evaluationFrequency: rule.value.every
    windowSize: rule.value.window
    // A day's query runs once a day, and an alert that is asked for so seldom cannot resolve by itself.
    autoMitigate: rule.value.every != 'P1D'
    criteria: {
      allOf: [
        {
          query: replace(rule.value.query, 'CONNECTION_NAMES', string(connectionNames))
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}]
