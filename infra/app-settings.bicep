// The app settings, from the connections in the shape of the settings model: a value that is not given is not set,
// maps and lists become JSON, and secrets become references to the Key Vault.
param connections object
param connectionsFile string
param schedules object
param claimLeaseSeconds int
param people object
param notifies bool
param identityClientId string
param keyVaultName string
param blobServiceUri string
param queueServiceUri string
param tableServiceUri string
param insightsConnectionString string
param taxJarCallsPerMinute int
param signInClientId string
param auditContainerUri string
param auditKeyUri string

var dynamicsNames = [
  'URL'
  'TENANT_ID'
  'CLIENT_ID'
  'CERTIFICATE_PATH'
  'AUTHORITY_HOST'
  'LOOKBACK_DAYS'
  'SWEEP_DAYS'
  'HALF_POSTED_MINUTES'
  'ENTITIES'
]
var taxJarNames = [
  'API_URL'
  'API_VERSION'
]
var companyNames = [
  'REPORT_FROM'
  'SHIPPING_CHARGE_CODES'
  'EXEMPT_TAX_GROUPS'
  'EXEMPT_CUSTOMER_GROUPS'
  'EXEMPT_REGIONS'
  'EXEMPT_REGIONS_FROM_ADDRESSES'
  'PICKUP_DELIVERY_MODES'
  'COUNTRY_CODES'
  'STATE_CODES'
  'UNLINKED_CREDIT_NOTES'
  'ORIGINAL_INVOICE_FIELD'
  'FILING_LOCK_DAY'
  'FILING_FREQUENCIES'
  'TIME_ZONE'
  'PAYMENT_CHARGE_CODES'
  'FEE_CHARGE_CODES'
  'DISCOUNT_ITEMS'
  'POS_SALES_ORIGINS'
  'ZIP_STATES'
  'PROJECT_INVOICES'
  'REPORTING'
]
var productTaxCodeNames = [
  'ITEMS'
  'TAX_ITEM_GROUPS'
  'CATEGORIES'
]
var peopleNames = [
  'TENANT_ID'
  'KEYS_MAY_DECIDE'
  'APPROVER_MUST_DIFFER'
]
var marketplaceNames = [
  'SALES_ORIGINS'
  'CUSTOMERS'
  'CUSTOMER_GROUPS'
]

// Secrets are listed by name: DYNAMICS__CLIENT_SECRET, TAXJAR__TOKEN, COMPANIES__<ID>__TAXJAR__TOKEN.
var connectionSecrets = flatten(map(items(connections), connection => map(connection.value.?secrets ?? [], secret => 'CONNECTIONS__${toUpper(connection.key)}__${toUpper(secret)}')))
var secretSettings = concat(connectionSecrets, notifies ? ['NOTIFY_WEBHOOK_URL'] : [])

var peopleSettings = map(filter(peopleNames, name => contains(people, toLower(name))), name => {
  name: 'PEOPLE__${name}'
  value: string(people[toLower(name)])
})

var dynamicsSettings = flatten(map(items(connections), connection => map(filter(dynamicsNames, name => contains(connection.value.dynamics, toLower(name))), name => {
  name: 'CONNECTIONS__${toUpper(connection.key)}__DYNAMICS__${name}'
  value: string(connection.value.dynamics[toLower(name)])
})))

// Without a secret or a certificate the app signs in with its identity.
var identitySettings = map(filter(items(connections), connection => !contains(connection.value.?secrets ?? [], 'DYNAMICS__CLIENT_SECRET') && !contains(connection.value.dynamics, 'certificate_path')), connection => {
  name: 'CONNECTIONS__${toUpper(connection.key)}__DYNAMICS__MANAGED_IDENTITY_CLIENT_ID'
  value: connection.value.dynamics.?managed_identity_client_id ?? identityClientId
})

var taxJarSettings = flatten(map(items(connections), connection => map(filter(taxJarNames, name => contains(connection.value.?taxjar ?? {}, toLower(name))), name => {
  name: 'CONNECTIONS__${toUpper(connection.key)}__TAXJAR__${name}'
  value: string(connection.value.taxjar[toLower(name)])
})))

// The limit is the account's: all instances and functions share it, however many there are.
var rateSettings = map(items(connections), connection => {
  name: 'CONNECTIONS__${toUpper(connection.key)}__TAXJAR__MAX_CALLS_PER_MINUTE'
  value: string(connection.value.?taxjar.?max_calls_per_minute ?? taxJarCallsPerMinute)
})

var companies = flatten(map(items(connections), connection => map(items(connection.value.companies), company => {
  prefix: 'CONNECTIONS__${toUpper(connection.key)}__COMPANIES__${toUpper(company.key)}'
  values: company.value
})))

var companySettings = flatten(map(companies, company => map(filter(companyNames, name => contains(company.values, toLower(name))), name => {
  name: '${company.prefix}__${name}'
  value: string(company.values[toLower(name)])
})))

var productTaxCodeSettings = flatten(map(companies, company => map(filter(productTaxCodeNames, name => contains(company.values.?product_tax_codes ?? {}, toLower(name))), name => {
  name: '${company.prefix}__PRODUCT_TAX_CODES__${name}'
  value: string(company.values.product_tax_codes[toLower(name)])
})))

var marketplaceSettings = flatten(map(companies, company => map(filter(marketplaceNames, name => contains(company.values.?marketplace ?? {}, toLower(name))), name => {
  name: '${company.prefix}__MARKETPLACE__${name}'
  value: string(company.values.marketplace[toLower(name)])
})))

var scheduleSettings = map(items(schedules), schedule => {
  name: schedule.key
  value: schedule.value
})

// A secret's name in the Key Vault is its setting's name with hyphens: the vault knows no underscores.
var secretReferences = map(secretSettings, setting => {
  name: setting
  value: '@Microsoft.KeyVault(VaultName=${keyVaultName};SecretName=${replace(setting, '_', '-')})'
})

var platformSettings = [
  { name: 'AzureWebJobsStorage__blobServiceUri', value: blobServiceUri }
  { name: 'AzureWebJobsStorage__queueServiceUri', value: queueServiceUri }
  { name: 'AzureWebJobsStorage__tableServiceUri', value: tableServiceUri }
  { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
  { name: 'AzureWebJobsStorage__clientId', value: identityClientId }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: insightsConnectionString }
  { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identityClientId};Authorization=AAD' }
  { name: 'AUDIT__CONTAINER_URI', value: auditContainerUri }
  { name: 'AUDIT__KEY_URI', value: auditKeyUri }
  // The worker takes part in the host's traces; the app itself sends them (shared/telemetry_export.py).
  { name: 'PYTHON_ENABLE_OPENTELEMETRY', value: 'true' }
  { name: 'CLAIM_LEASE_SECONDS', value: string(claimLeaseSeconds) }
]

// The platform signs in to Entra ID with the identity instead of a secret, for people of this tenant only.
var signInSettings = empty(signInClientId) ? [] : [
  { name: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID', value: identityClientId }
  { name: 'WEBSITE_AUTH_AAD_ALLOWED_TENANTS', value: people.?tenant_id ?? '' }
]

var fileSettings = empty(connectionsFile) ? [] : [
  { name: 'CONNECTIONS_FILE', value: connectionsFile }
]

output appSettings array = concat(platformSettings, signInSettings, fileSettings, scheduleSettings, peopleSettings, dynamicsSettings, identitySettings, taxJarSettings, rateSettings, companySettings, productTaxCodeSettings, marketplaceSettings, secretReferences)
output secretNames array = map(secretSettings, setting => replace(setting, '_', '-'))
