// One resource group with everything the connector needs. No secret passes through here: secrets are put into the
// Key Vault by hand, once, and the app settings only refer to them.
targetScope = 'subscription'

@description('Names the resource group and tags what is in it; azd passes its environment name.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Azure region. Flex Consumption has to be offered there.')
param location string

@description('Object id of the person or pipeline that may write secrets into the Key Vault; azd passes the one who runs it.')
param principalId string = ''

@description('Kind of principalId.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param principalType string = 'User'

@description('Where alerts are sent.')
param alertEmail string

@description('F&O environments with their companies, in the shape of the settings: names in lower case, values as in the README.')
param connections object

@description('TOML file with more settings, deployed with the app, relative to its root; the settings here win.')
param connectionsFile string = ''

@description('Six-field NCRONTAB schedules of the timers, UTC.')
param schedules object = {
  POLL_SCHEDULE: '0 */5 * * * *'
  SWEEP_SCHEDULE: '0 30 2 * * *'
  CUSTOMER_SCHEDULE: '0 15 * * * *'
  NEXUS_SCHEDULE: '0 45 3 * * *'
  RECONCILE_SCHEDULE: '0 30 4 * * *'
}

@description('Seconds for which a claim of a document holds without being renewed.')
@minValue(1)
param claimLeaseSeconds int = 120

@description('Who may sign in and decide: PEOPLE__* of the README, names in lower case; without tenant_id nobody can sign in.')
param people object = {}

@description('Whether the daily digest is posted to the web hook whose URL is the secret NOTIFY-WEBHOOK-URL of the Key Vault.')
param notifies bool = false

@description('Python of the app. The tests run on 3.11.')
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string = '3.11'

@description('Most instances that the app may have.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Calls per minute that all instances together may make to one TaxJar account, below its plan\'s limit of 10,000 (Professional).')
@minValue(60)
param taxJarCallsPerMinute int = 9000

var tags = { 'azd-env-name': environmentName }
var token = toLower(uniqueString(subscription().id, environmentName, location))

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
  }
}

module keyVault 'key-vault.bicep' = {
  name: 'key-vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    readerPrincipalId: identity.outputs.principalId
    writerPrincipalId: principalId
    writerPrincipalType: principalType
  }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-${token}'
    insightsName: 'appi-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
  }
}

module settings 'app-settings.bicep' = {
  name: 'app-settings'
  scope: group
  params: {
    connections: connections
    connectionsFile: connectionsFile
    schedules: schedules
    claimLeaseSeconds: claimLeaseSeconds
    people: people
    notifies: notifies
    identityClientId: identity.outputs.clientId
    keyVaultName: keyVault.outputs.name
    blobServiceUri: storage.outputs.blobServiceUri
    queueServiceUri: storage.outputs.queueServiceUri
    tableServiceUri: storage.outputs.tableServiceUri
    insightsConnectionString: monitoring.outputs.connectionString
    callsPerMinuteOfAnInstance: max(1, taxJarCallsPerMinute / maximumInstanceCount)
  }
}

module app 'function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    packageContainerUri: storage.outputs.packageContainerUri
    pythonVersion: pythonVersion
    maximumInstanceCount: maximumInstanceCount
    appSettings: settings.outputs.appSettings
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    insightsId: monitoring.outputs.id
    email: alertEmail
    connectionNames: map(items(connections), connection => toLower(connection.key))
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = app.outputs.name
output FUNCTION_APP_URL string = app.outputs.url
output KEY_VAULT_NAME string = keyVault.outputs.name
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
output SECRETS_TO_SET array = settings.outputs.secretNames
