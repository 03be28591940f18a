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
@minLength(3)
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
  SEAL_SCHEDULE: '0 20 1 * * *'
}

@description('Seconds for which a claim of a document holds without being renewed.')
@minValue(1)
param claimLeaseSeconds int = 120

@description('Who may sign in and decide: PEOPLE__* of the README, names in lower case; without tenant_id nobody can sign in.')
param people object = {}

@description('Whether the daily digest is posted to the web hook whose URL is the secret NOTIFY-WEBHOOK-URL of the Key Vault.')
param notifies bool = false

@description('Client id of the Entra application that people sign in to (docs/deployment.md); without it nobody can sign in.')
param signInClientId string = ''

@description('Other applications whose tokens are accepted: the Azure CLI, with which the command line signs in.')
param signInApplications array = ['04b07795-8ddb-461a-bbee-02f9e1bf7b46']

@description('Redundancy of the storage accounts. The default is in three zones, except in regions of the Americas known to have none.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS', 'Standard_RAGZRS'])
param storageSku string = contains(['westus', 'northcentralus', 'westcentralus', 'canadaeast', 'brazilsoutheast'], toLower(replace(location, ' ', ''))) ? 'Standard_LRS' : 'Standard_ZRS'

@description('Keeps a deleted Key Vault for 90 days whatever anybody does. It cannot be switched off again.')
param purgeProtection bool = true

@description('Brings back the Key Vault of an environment of this name that was deleted less than 90 days ago.')
param recoverKeyVault bool = false

@description('Days for which nobody can change or delete a signed root of the audit; ten years. States ask for three to seven.')
@minValue(1)
@maxValue(146000)
param auditRetentionDays int = 3653

@description('Address of a container for the signed roots in another account, which then has to grant the app the role of the output AUDIT_ROLE_ID there; empty: one is made here.')
param auditContainerUri string = ''

@description('Python of the app. Azure supports 3.11 until October 2027.')
@allowed(['3.11', '3.12', '3.13', '3.14'])
param pythonVersion string = '3.13'

@description('Most instances of each group that scales by itself: all HTTP functions are one group, each queue and each timer function is another. It bounds cost, not the calls to TaxJar.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Calls per minute to one TaxJar account, shared by all instances and functions; its plan\'s limit is 10,000 (Professional).')
@minValue(60)
@maxValue(10000)
param taxJarCallsPerMinute int = 9000

var tags = { 'azd-env-name': environmentName }
var token = toLower(uniqueString(subscription().id, environmentName, location))

// Who signs in is of this tenant, unless said otherwise.
var peopleOfTenant = empty(signInClientId) ? people : union({ tenant_id: tenant().tenantId }, people)

var auditAccount = 'staudit${token}'
var auditContainer = 'audit'

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
    sku: storageSku
  }
}

module auditRole 'audit-role.bicep' = {
  name: 'audit-role'
  scope: group
  params: { location: location }
}

module audit 'audit.bicep' = if (empty(auditContainerUri)) {
  name: 'audit'
  scope: group
  params: {
    name: auditAccount
    containerName: auditContainer
    location: location
    tags: tags
    sku: storageSku
    retentionDays: auditRetentionDays
    principalId: identity.outputs.principalId
    roleId: auditRole.outputs.id
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
    sealerRoleId: auditRole.outputs.id
    purgeProtection: purgeProtection
    recover: recoverKeyVault
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
    people: peopleOfTenant
    notifies: notifies
    identityClientId: identity.outputs.clientId
    keyVaultName: keyVault.outputs.name
    blobServiceUri: storage.outputs.blobServiceUri
    queueServiceUri: storage.outputs.queueServiceUri
    tableServiceUri: storage.outputs.tableServiceUri
    insightsConnectionString: monitoring.outputs.connectionString
    taxJarCallsPerMinute: taxJarCallsPerMinute
    signInClientId: signInClientId
    auditContainerUri: empty(auditContainerUri) ? 'https://${auditAccount}.blob.${environment().suffixes.storage}/${auditContainer}' : auditContainerUri
    auditKeyUri: keyVault.outputs.signingKeyUri
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
    people: peopleOfTenant
    signInClientId: signInClientId
    signInApplications: signInApplications
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
output AUDIT_ROLE_ID string = auditRole.outputs.id
output AUDIT_ACCOUNT string = empty(auditContainerUri) ? auditAccount : ''
output SECRETS_TO_SET array = settings.outputs.secretNames
