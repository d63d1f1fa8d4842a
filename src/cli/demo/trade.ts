/** The demo's document: a sale of green coffee, as its four parties keep it. Names and numbers are made up. */

export const ROLES = ['buyer', 'seller', 'carrier', 'bank'] as const
export type Role = (typeof ROLES)[number]

export const NAMES: Record<Role, string> = {
  buyer: 'Hansa Kaffee Import',
  seller: 'Finca El Mirador',
  carrier: 'Atlantic Bluewater Lines',
  bank: 'Banco del Puerto',
}

export const CONTRACT_NAME = 'Coffee sale HK-2026-118'

/** JSON text, so that decimals are as written. */
export const TRADE = `{
  "Order": {
    "Number": "HK-2026-118",
    "Issued": "2026-11-02",
    "Currency": "EUR",
    "Buyer": {
      "Name": "Hansa Kaffee Import",
      "Address": { "Street": "Am Sandtorkai 41", "City": "Hamburg", "PostalCode": "20457", "Country": "DE" },
      "Contact": "Einkauf Rohkaffee"
    },
    "Seller": {
      "Name": "Finca El Mirador",
      "Address": { "Street": "Vereda La Esperanza, km 7", "City": "Pitalito", "Country": "CO" },
      "ExportLicence": "CO-EXP-0044718"
    },
    "Lines": [
      {
        "Item": "Green coffee, washed arabica, screen 16+",
        "Lot": "EM-26-07",
        "Bags": 240, "BagWeight": { "Value": 70, "Unit": "kg" },
        "UnitPrice": 6.42, "PriceUnit": "kg",
        "Quality": { "MoistureMax": 11.5, "CupScore": 85.25, "Crop": "2026/27" }
      },
      {
        "Item": "Green coffee, honey process, micro lot",
        "Lot": "EM-26-11",
        "Bags": 35, "BagWeight": { "Value": 35, "Unit": "kg" },
        "UnitPrice": 9.80, "PriceUnit": "kg",
        "Quality": { "MoistureMax": 11.0, "CupScore": 88.50, "Crop": "2026/27" }
      }
    ],
    "Terms": { "Incoterm": "FOB Buenaventura", "Tolerance": "3 %", "Arbitration": "Hamburg" }
  },
  "Transport": {
    "Carrier": "Atlantic Bluewater Lines",
    "Vessel": null,
    "Voyage": null,
    "Containers": [],
    "PortOfLoading": "Buenaventura",
    "PortOfDischarge": "Hamburg",
    "ReadyToShip": null,
    "Sailed": null
  },
  "Payment": {
    "Method": "Letter of credit at sight",
    "Bank": "Banco del Puerto",
    "CreditNumber": null,
    "Amount": null,
    "DocumentsRequired": ["Bill of lading", "Certificate of origin", "Phytosanitary certificate", "Weight note"],
    "Released": false
  }
}
`

/** Price of the first line: the field the story quarrels about. */
export const PRICE_PATH = 'Order/Lines[1]/UnitPrice'
export const PRICE = '6.42'

/** The trade as it moves on: who sets what. */
export const STEPS: readonly { role: Role; path: string; value: string; says: string }[] = [
  { role: 'bank', path: 'Payment/CreditNumber', value: 'LC-77120-26', says: 'opens the letter of credit' },
  { role: 'bank', path: 'Payment/Amount', value: '119861.00', says: 'states its amount' },
  { role: 'seller', path: 'Transport/ReadyToShip', value: '2026-11-24', says: 'has the lots ready' },
  { role: 'carrier', path: 'Transport/Vessel', value: 'MS Amalia B.', says: 'names the vessel' },
  { role: 'carrier', path: 'Transport/Voyage', value: '648E', says: 'and the voyage' },
]
