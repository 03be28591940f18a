// What wakes a person: queries on the metrics of shared/telemetry.py. docs/operations.md says what to do for each.
param location string
param tags object
param insightsId string
param email string
param connectionNames array

// window: how much telemetry a query sees; every: how often it is asked (ISO 8601 durations). One row is one alert, told
// apart by the columns in split. A gauge is exported once for each time it was measured, so its latest point is the
// state; valueSum / valueCount is its value however points were put together. Attributes are text.
var rules = {
  'documents-failed': {
    description: 'A document failed, or a message was poisoned.'
    severity: 1
    every: 'PT15M'
    window: 'PT15M'
    split: []
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
    split: []
    query: '''
      customMetrics
      | where name == 'connector.queue.age' and tostring(customDimensions['queue']) == 'posted-documents'
      | extend age = valueSum / valueCount
      | summarize arg_max(timestamp, age)
      | where age > 1800
    '''
  }
  'no-successful-poll': {
    description: 'An F&O environment has not been read to the end for 30 minutes.'
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    split: ['connection']
    query: '''
      print connection = dynamic(CONNECTION_NAMES)
      | mv-expand connection to typeof(string)
      | join kind=leftouter (
          customMetrics
          | where name == 'connector.polls' and tostring(customDimensions['function']) == 'poll_posted_invoices'
          | where tolower(tostring(customDimensions['complete'])) == 'true'
          | summarize polls = sum(valueSum) by connection = tostring(customDimensions['connection'])
        ) on connection
      | where coalesce(polls, 0.0) == 0
      | project connection
    '''
  }
  'nightly-run-missing': {
    description: 'The sweep, the nightly reconciliation, the customer sync, the pull of nexus regions or the sealing of the audit has not come to its end for two days.'
    severity: 2
    every: 'P1D'
    window: 'P2D'
    split: ['connection', 'function']
    query: '''
      print connection = dynamic(CONNECTION_NAMES)
      | mv-expand connection to typeof(string)
      | extend function = dynamic(['sweep_posted_invoices', 'reconcile_nightly', 'sync_exempt_customers', 'pull_nexus_regions', 'seal_audit'])
      | mv-expand function to typeof(string)
      | join kind=leftouter (
          customMetrics
          | where name in ('connector.polls', 'connector.runs')
          | where tolower(tostring(customDimensions['complete'])) == 'true'
          | summarize runs = sum(valueSum) by connection = tostring(customDimensions['connection']), function = tostring(customDimensions['function'])
        ) on connection, function
      | where coalesce(runs, 0.0) == 0
      | project connection, function
    '''
  }
  'held-too-long': {
    description: 'A document has been held for more than 3 days; measured by the nightly sweep.'
    severity: 3
    every: 'P1D'
    window: 'P2D'
    split: ['connection', 'company']
    query: '''
      customMetrics
      | where name == 'connector.held.age'
      | extend age = valueSum / valueCount, connection = tostring(customDimensions['connection']), company = tostring(customDimensions['company'])
      | summarize arg_max(timestamp, age) by connection, company
      | where age > 259200
      | project connection, company
    '''
  }
  'missing-in-taxjar': {
    description: 'More than 20 documents, or more than 5 %, are missing in TaxJar: nothing is sent again until a person decides.'
    severity: 1
    every: 'P1D'
    window: 'P2D'
    split: ['connection', 'company']
    query: '''
      customMetrics
      | where name == 'connector.taxjar.missing'
      | extend lost = valueSum / valueCount, connection = tostring(customDimensions['connection']), company = tostring(customDimensions['company'])
      | summarize arg_max(timestamp, lost) by connection, company
      | where lost > 0
      | project connection, company
    '''
  }
  'entity-set-gone': {
    description: 'An entity set of F&O that was readable before cannot be read: the documents that need it wait.'
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
    split: ['connection', 'entity_set']
    query: '''
      customMetrics
      | where name == 'connector.sets.gone'
      | summarize reads = sum(valueSum) by connection = tostring(customDimensions['connection']), entity_set = tostring(customDimensions['entity_set'])
      | where reads > 0
      | project connection, entity_set
    '''
  }
  'audit-broken': {
    description: 'A row or a day of the audit is not as it was written.'
    severity: 1
    every: 'P1D'
    window: 'P2D'
    split: ['connection', 'company']
    query: '''
      customMetrics
      | where name == 'connector.audit.broken'
      | extend broken = valueSum / valueCount, connection = tostring(customDimensions['connection']), company = tostring(customDimensions['company'])
      | summarize arg_max(timestamp, broken) by connection, company
      | where broken > 0
      | project connection, company
    '''
  }
  'connection-paused': {
    description: 'An F&O environment or a TaxJar account has been paused at every poll of the last 30 minutes.'
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    split: ['side', 'connection', 'company', 'account']
    query: '''
      customMetrics
      | where name == 'connector.paused'
      | extend paused = valueSum / valueCount, side = tostring(customDimensions['side']), connection = tostring(customDimensions['connection']), company = tostring(customDimensions['company']), account = tostring(customDimensions['account'])
      | summarize least = min(paused) by side, connection, company, account
      | where least > 0
      | project side, connection, company, account
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
    // The table of metrics comes into being with the first metric: a new resource group has none.
    skipQueryValidation: true
    evaluationFrequency: rule.value.every
    windowSize: rule.value.window
    // A day's query runs once a day, and an alert that is asked for so seldom cannot resolve by itself.
    autoMitigate: rule.value.every != 'P1D'
    criteria: {
      allOf: [
        {
          query: replace(rule.value.query, 'CONNECTION_NAMES', string(connectionNames))
          timeAggregation: 'Count'
          dimensions: map(rule.value.split, column => { name: column, operator: 'Include', values: ['*'] })
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}]
