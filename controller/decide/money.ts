/** An amount rounded to cents, without a negative zero. */
export function cents(amount: number): number {
  return Math.round(amount * 100) / 100 + 0
}

/** An amount as text, to the cent. */
export function money(amount: number): string {
  return cents(amount).toFixed(2)
}
